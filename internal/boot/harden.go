package boot

import (
	"os"
	"strconv"

	"github.com/moby/moby/api/types/container"

	"stackbench/internal/stack"
)

const (
	// serverID is the user and group of the images that are built here, as their
	// Dockerfiles have it: nobody on a host, and so owner of no file there.
	serverID = 65532
	// mostTasks is far above the few hundred threads that the largest stack has
	// here (Java, two Pythons), and an eighth of what a kernel has for all.
	mostTasks = 4096
	// temporary is where every server may write. It is memory, and counts under
	// the container's limit.
	temporary = "/tmp"
	inMemory  = "rw,exec,nosuid,nodev,mode=1777" // exec: compilers of models load from there what they made
)

// memoryLimit is what a container may take where the caller sets no limit: four
// fifths of the daemon's machine. A server that wants more must be killed, and
// not the process that measures it; a fifth holds that, the kernel and the
// daemon. 0 where the daemon does not tell.
func memoryLimit(machine int64) int64 { return machine / 5 * 4 }

// image is the stack's own, or the one that STACKBENCH_IMAGE_<STACK> names.
func (s Spec) image() stack.Image {
	if ref := os.Getenv(variable("IMAGE", s.Stack.Name)); ref != "" {
		return stack.Image{Ref: ref}
	}
	return s.Stack.Container.Images[s.device()]
}

// ours says whether the image is built here, so that its user and what it
// writes are known. Makers' own images are run as their makers have them.
func (s Spec) ours() bool { return s.image().Build != nil }

// harden takes from a container what a server does not need. A makers' own
// image keeps its user, its capabilities and its writable root.
func harden(hc *container.HostConfig, s Spec) {
	tasks := int64(mostTasks)
	hc.PidsLimit = &tasks
	hc.SecurityOpt = append(hc.SecurityOpt, "no-new-privileges:true")
	if !s.ours() {
		return
	}
	hc.CapDrop = []string{"ALL"}
	hc.ReadonlyRootfs = true
	hc.Tmpfs = map[string]string{temporary: inMemory}
	for _, folder := range s.Stack.Container.Writes {
		hc.Tmpfs[folder] = inMemory
	}
}

// configure sets what a container is, beside what it may use of its host: its
// user, and volumes where its inputs are copied to, which a read-only root
// could not take.
func configure(c *container.Config, s Spec, volumes []string) {
	// A health check of the image's own would be work that nobody asked for.
	c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
	for _, v := range volumes {
		if c.Volumes == nil {
			c.Volumes = map[string]struct{}{}
		}
		c.Volumes[v] = struct{}{}
	}
	if !s.ours() {
		return
	}
	id := strconv.Itoa(serverID)
	c.User = id + ":" + id
	// The number has no entry in /etc/passwd, where libraries would look for both.
	c.Env = append(c.Env, "HOME="+temporary, "USER=stackbench")
}

// copiedTo are the folders whose content is copied into a container.
func copiedTo(s Spec, st store, p place) []string {
	var out []string
	if !bound(st, p) {
		out = append(out, modelsInside)
	}
	if s.Stack.Container.Files != nil {
		out = append(out, filesInside)
	}
	return out
}
