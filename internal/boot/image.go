package boot

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"stackbench/internal/stack"
)

// localBase is the base image that `make images` makes where no image registry
// can be reached.
const localBase = "stackbench-base:bookworm"

// labelContent holds the hash of what an image was built from, so that an
// image is built again when and only when that changes.
const labelContent = "stackbench.content"

// image is one that is on the daemon.
type image struct {
	ref    string
	id     string // sha256:… of its configuration
	digest string // name@sha256:… of a pulled one, else the id
}

// ensure makes the image present: pulled, or built with its chain of bases.
func (e *engine) ensure(ctx context.Context, img stack.Image, base string, progress io.Writer) (image, error) {
	if img.Build == nil {
		return e.pull(ctx, pinned(img), progress)
	}
	below, err := e.baseOf(ctx, *img.Build, base, progress)
	if err != nil {
		return image{}, err
	}
	sum, err := buildHash(*img.Build, below.id)
	if err != nil {
		return image{}, fmt.Errorf("build image %s: %w", img.Ref, err)
	}
	old, labels, _ := e.inspect(ctx, img.Ref)
	if labels[labelContent] == sum {
		return old, nil
	}
	if err := e.build(ctx, img, below.ref, sum, progress); err != nil {
		return image{}, err
	}
	have, _, err := e.inspect(ctx, img.Ref)
	if labels[labelContent] != "" && old.id != have.id {
		// The one before has lost its name: gigabytes, for some. It stays while
		// a container or another image needs it.
		_, _ = e.cli.ImageRemove(ctx, old.id, client.ImageRemoveOptions{PruneChildren: true})
	}
	if err != nil {
		return image{}, fmt.Errorf("build image %s: %w", img.Ref, err)
	}
	return have, nil
}

// pinned is the reference that a pull must use.
func pinned(img stack.Image) string {
	if img.Digest == "" {
		return img.Ref
	}
	return img.Ref + "@" + img.Digest
}

// baseOf finds the image that the Dockerfile's FROM is to name, and makes it
// present: the stack's own base, else what the caller or STACKBENCH_BASE_IMAGE
// says, else the local base image, else the Dockerfile's default.
func (e *engine) baseOf(ctx context.Context, b stack.Build, base string, progress io.Writer) (image, error) {
	if b.Base != nil {
		return e.ensure(ctx, *b.Base, base, progress)
	}
	ref := cmp.Or(base, os.Getenv("STACKBENCH_BASE_IMAGE"))
	if ref == "" {
		if have, _, err := e.inspect(ctx, localBase); err == nil {
			return have, nil
		}
		text, err := fs.ReadFile(b.Context, b.Dockerfile)
		if err != nil {
			return image{}, fmt.Errorf("read %s: %w", b.Dockerfile, err)
		}
		if ref = defaultBase(string(text)); ref == "" {
			return image{}, nil // the Dockerfile names its base itself
		}
	}
	return e.pull(ctx, ref, progress)
}

var argBase = regexp.MustCompile(`(?mi)^\s*ARG\s+BASE=["']?([^\s"']+)`)

// defaultBase is the value of the Dockerfile's "ARG BASE=…", or "".
func defaultBase(dockerfile string) string {
	m := argBase.FindStringSubmatch(dockerfile)
	if m == nil {
		return ""
	}
	return m[1]
}

// contexts are the folders that a Dockerfile sees as one.
func contexts(b stack.Build) []fs.FS {
	if b.Shared == nil {
		return []fs.FS{b.Context}
	}
	return []fs.FS{b.Context, b.Shared}
}

func buildHash(b stack.Build, baseID string) (string, error) {
	content := ""
	for _, src := range contexts(b) {
		part, err := contentHash(src)
		if err != nil {
			return "", err
		}
		content += part + "\n"
	}
	sum := sha256.Sum256([]byte(content + b.Dockerfile + "\n" + baseID))
	return hex.EncodeToString(sum[:]), nil
}

// inspect finds a present image and its labels.
func (e *engine) inspect(ctx context.Context, ref string) (image, map[string]string, error) {
	r, err := e.cli.ImageInspect(ctx, ref)
	if err != nil {
		return image{}, nil, err
	}
	out := image{ref: ref, id: r.ID, digest: r.ID}
	if len(r.RepoDigests) > 0 {
		out.digest = r.RepoDigests[0]
	}
	if r.Config == nil {
		return out, nil, nil
	}
	return out, r.Config.Labels, nil
}

// pull makes a published image present.
func (e *engine) pull(ctx context.Context, ref string, progress io.Writer) (image, error) {
	have, _, err := e.inspect(ctx, ref)
	if err == nil {
		return have, nil
	}
	if !errdefs.IsNotFound(err) {
		return image{}, imageFailure("inspect", ref, "", err)
	}
	fmt.Fprintf(progress, "pull %s\n", ref)
	stream, err := e.cli.ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: credentials(ctx, ref)})
	if err != nil {
		return image{}, imageFailure("pull", ref, "", err)
	}
	defer stream.Close()
	if err := follow(stream, progress); err != nil {
		return image{}, imageFailure("pull", ref, "", err)
	}
	have, _, err = e.inspect(ctx, ref)
	if err != nil {
		return image{}, imageFailure("pull", ref, "", err)
	}
	return have, nil
}

// credentials are what `docker login` left for the image's registry, encoded;
// "" when there are none, as for public images.
func credentials(ctx context.Context, ref string) string {
	_, auth, err := testcontainers.DockerImageAuth(ctx, ref)
	if err != nil {
		return ""
	}
	text, err := authconfig.Encode(auth)
	if err != nil {
		return ""
	}
	return text
}

// build runs the Dockerfile with the classic builder, which every daemon has.
func (e *engine) build(ctx context.Context, img stack.Image, base, sum string, progress io.Writer) error {
	fmt.Fprintf(progress, "build %s\n", img.Ref)
	pack, out := io.Pipe()
	go func() { out.CloseWithError(archive(contexts(*img.Build), out)) }()
	defer pack.Close()
	opts := client.ImageBuildOptions{
		Tags:        []string{img.Ref},
		Dockerfile:  img.Build.Dockerfile,
		Labels:      map[string]string{labelContent: sum},
		BuildArgs:   map[string]*string{},
		Remove:      true,
		ForceRemove: true,
		Version:     build.BuilderV1,
	}
	if base != "" {
		opts.BuildArgs["BASE"] = &base
	}
	res, err := e.cli.ImageBuild(ctx, pack, opts)
	if err != nil {
		return imageFailure("build", img.Ref, "", err)
	}
	defer res.Body.Close()
	var log strings.Builder
	if err := follow(res.Body, io.MultiWriter(&log, progress)); err != nil {
		return imageFailure("build", img.Ref, log.String(), err)
	}
	return nil
}

// archive packs the build context. Times are left out, so that the builder's
// cache depends on contents only; scripts keep their executable bit.
func archive(sources []fs.FS, to io.Writer) error {
	w := tar.NewWriter(to)
	for _, src := range sources {
		if err := pack(src, w); err != nil {
			return err
		}
	}
	return w.Close()
}

func pack(src fs.FS, w *tar.Writer) error {
	return fs.WalkDir(src, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(src, p)
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if path.Ext(p) == ".sh" || strings.HasPrefix(string(b), "#!") || strings.HasPrefix(string(b), "\x7fELF") {
			mode = 0o755 // embedded files have lost theirs
		}
		if err := w.WriteHeader(&tar.Header{Name: p, Mode: mode, Size: int64(len(b)), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	})
}

// follow reads the daemon's stream of JSON messages to its end. It writes what
// they say to progress and returns the error that one of them reports.
func follow(stream io.Reader, progress io.Writer) error {
	for in := json.NewDecoder(stream); ; {
		var m jsonstream.Message
		err := in.Decode(&m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the daemon's answer: %w", err)
		}
		if m.Error != nil {
			return m.Error
		}
		switch {
		case m.Stream != "":
			_, _ = io.WriteString(progress, m.Stream)
		case m.Status != "" && m.Progress == nil:
			fmt.Fprintln(progress, strings.TrimSpace(m.ID+" "+m.Status))
		}
	}
}
