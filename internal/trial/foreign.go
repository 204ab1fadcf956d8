package trial

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/usage"
)

// others watches what somebody else uses of the machine while a server is
// measured.
type others struct {
	client, server cpuset.Set
	own            []usage.Own // of the server's work
	pids           []int       // whose quotas count: the client's and the server's
	inside         int         // a process of the server's container; 0 without one
	unknown        string      // why the server's own use of its cores is not known
	stat           func() ([]byte, error)

	watcher   *usage.Watcher
	throttled int64
	before    usage.Census
}

// company is the others of a server, by how it was started.
func company(h *host.Host, s *boot.Server) *others {
	o := &others{client: h.Client, server: h.Cores, pids: []int{os.Getpid()}, stat: h.Stat}
	if s.PID != 0 {
		o.pids = append(o.pids, s.PID)
	}
	var source usage.Source
	var err error
	switch {
	case s.Launcher == boot.Attach:
		o.unknown = "the server is attached, and its own use of the cores cannot be told from others'"
		return o
	case s.PID == 0:
		o.unknown = "the server is on another machine"
		return o
	case len(s.Cores) == 0:
		o.unknown = "the server is pinned to no cores"
		return o
	case s.Launcher == boot.Process:
		source, err = usage.Tree(s.PID)
	default:
		source, err = usage.Cgroup(s.PID)
		o.inside = s.PID
	}
	if err != nil {
		o.unknown = host.OneLine(err)
		return o
	}
	o.own = []usage.Own{usage.Pinned(source)}
	if o.inside != 0 {
		for _, pid := range usage.Forwarders(ports(s)...) {
			o.own, o.pids = append(o.own, usage.Roaming(pid)), append(o.pids, pid)
		}
	}
	return o
}

// ports are those at which the server is reached.
func ports(s *boot.Server) []string {
	var out []string
	for _, at := range []string{s.Endpoint.REST, s.Endpoint.GRPC} {
		if _, port, err := net.SplitHostPort(at); err == nil {
			out = append(out, port)
		}
	}
	return out
}

// shared says whether client and server have a core in common: whose work is
// done on it cannot be told by the core, so all of them count as one side.
func (o *others) shared() bool {
	return slices.ContainsFunc(o.client, func(core int) bool { return slices.Contains(o.server, core) })
}

// sides are the server's cores and then the client's, or both together.
func (o *others) sides() []usage.Side {
	if o.shared() {
		both := slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.client, o.server))))
		return []usage.Side{{Cores: both, Own: append([]usage.Own{usage.Myself()}, o.own...)}}
	}
	client := usage.Side{Cores: o.client, Own: []usage.Own{usage.Myself()}}
	if len(o.own) > 0 {
		client.Own = append(client.Own, o.own[1:]...) // what passes on for the server may do so here
	}
	return []usage.Side{{Cores: o.server, Own: o.own}, client}
}

// look lists all processes before the load begins: too much work for a window.
func (o *others) look() {
	if o != nil {
		o.before = usage.TakeCensus()
	}
}

// open begins to watch. A machine that does not tell is no error.
func (o *others) open() {
	if o == nil {
		return
	}
	o.throttled = usage.Throttled(o.pids...)
	var err error
	o.watcher, err = usage.Foreign{Sides: o.sides(), Stat: o.stat}.Watch(sampleEvery)
	if err != nil {
		o.unknown = cmp.Or(o.unknown, host.OneLine(err))
	}
}

// shut says what was seen since open.
func (o *others) shut() *meter.Foreign {
	if o == nil {
		return nil
	}
	f := &meter.Foreign{Unknown: o.unknown, Shared: o.shared(), Throttled: max(usage.Throttled(o.pids...)-o.throttled, 0)}
	if o.watcher == nil {
		return f
	}
	shares, err := o.watcher.Stop()
	if o.watcher = nil; err != nil {
		f.Unknown = cmp.Or(f.Unknown, host.OneLine(err))
		return f
	}
	f.Server = share(shares[0])
	f.Client = share(shares[len(shares)-1])
	if f.Unknown != "" { // steal is known all the same
		f.Server, f.Client = meter.Share{Steal: f.Server.Steal}, meter.Share{Steal: f.Client.Steal}
	}
	return f
}

func share(s usage.Share) meter.Share {
	return meter.Share{Percent: s.Foreign, Worst: s.Worst, Steal: s.Steal}
}

// holder is who else worked most since look; nil when nobody can be seen. What
// takes under a hundredth of a core is always there.
func (o *others) holder() *usage.Holder {
	if o == nil {
		return nil
	}
	now := usage.TakeCensus()
	for _, h := range now.Since(o.before, append([]int{os.Getpid()}, o.pids...)...) {
		if h.CPU < now.Span(o.before)/100 {
			return nil
		}
		if o.inside == 0 || !usage.SameGroup(h.PID, o.inside) {
			return &h
		}
	}
	return nil
}

// name is a holder in a line of text.
func name(h *usage.Holder) string {
	if h == nil {
		return ""
	}
	return h.String()
}

// somebody says what of the cores is somebody else's, and whose.
func somebody(f meter.Foreign, h *usage.Holder, in time.Duration) string {
	if h != nil {
		return fmt.Sprintf("%.0f %% of core %d is somebody else's: %s", min(100, 100*h.CPU.Seconds()/in.Seconds()), h.Core, h)
	}
	most, side := f.Server.Percent, "server"
	if f.Client.Percent > most {
		most, side = f.Client.Percent, "client"
	}
	if steal := max(f.Server.Steal, f.Client.Steal); steal > most {
		return fmt.Sprintf("%.0f %% of the cores is another virtual machine's", steal)
	}
	return fmt.Sprintf("%.0f %% of the %s's cores is somebody else's, whose processes cannot be seen from here", most, side)
}
