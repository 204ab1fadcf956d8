package selftest

import (
	"fmt"
	"os"
	"strings"
	"time"

	"stackbench/internal/cpuset"
	"stackbench/internal/meter"
	"stackbench/internal/usage"
)

// Beside watches what others take of the cores while a scripted server, a
// process of that number, is measured, until stop: then it says what it saw.
type Beside func(pid int) (stop func() meter.Foreign)

// WatchBeside watches the client's cores and that of the scripted servers. stat
// gives the kernel's counters; nil reads them where they are.
func WatchBeside(client, server cpuset.Set, stat func() ([]byte, error)) Beside {
	return func(pid int) func() meter.Foreign {
		own := usage.Roaming(pid)
		f := usage.Foreign{Stat: stat, Sides: []usage.Side{{Cores: server, Own: []usage.Own{own}}, {Cores: client, Own: []usage.Own{usage.Myself()}}}}
		shared := client.String() == server.String()
		if shared {
			f.Sides = []usage.Side{{Cores: client, Own: []usage.Own{own, usage.Myself()}}}
		}
		before := usage.TakeCensus()
		w, err := f.Watch(watchEvery)
		if err != nil {
			return func() meter.Foreign { return meter.Foreign{Unknown: err.Error()} }
		}
		return func() meter.Foreign {
			shares, err := w.Stop()
			if err != nil {
				return meter.Foreign{Unknown: err.Error()}
			}
			seen := meter.Foreign{Server: share(shares[0]), Client: share(shares[len(shares)-1]), Shared: shared}
			if len(disturbances(seen, true)) > 0 {
				seen.Holder = holder(before, os.Getpid(), pid)
			}
			return seen
		}
	}
}

func share(s usage.Share) meter.Share {
	return meter.Share{Percent: s.Foreign, Worst: s.Worst, Steal: s.Steal}
}

// holder is who but ours worked most since; "" when nobody did for a hundredth
// of the time.
func holder(before usage.Census, ours ...int) string {
	now := usage.TakeCensus()
	most := now.Since(before, ours...)
	if len(most) == 0 || most[0].CPU < max(now.Span(before)/100, time.Millisecond) {
		return ""
	}
	return most[0].String()
}

// disturbances are what others did, by the rules that windows are judged by.
func disturbances(f meter.Foreign, open bool) []string {
	invalid, doubts := f.Broken(open)
	var out []string
	for _, why := range append(invalid, doubts...) {
		out = append(out, why.Text)
	}
	return out
}

// during keeps what was seen while a part of the test was measured.
func (o *Others) during(part string, open bool, seen *meter.Foreign) {
	if seen == nil {
		return
	}
	if o.During == nil {
		o.During = &meter.Foreign{}
	}
	worse := o.During.Worse(*seen)
	o.During = &worse
	for _, why := range disturbances(*seen, open) {
		o.Disturbed = append(o.Disturbed, part+": "+why)
	}
}

// words are what is known of the others, in a clause.
func (o Others) words() string {
	problem := o.Problem
	if problem == "" && o.During != nil {
		problem = o.During.Unknown
	}
	switch n := len(o.Disturbed); {
	case n == 1:
		return "others disturbed it: " + o.Disturbed[0]
	case n > 1:
		return fmt.Sprintf("others disturbed it %d times: %s", n, strings.Join(o.Disturbed[:min(n, 2)], "; "))
	case problem != "":
		return "whether something else was running is not known (" + problem + ")"
	case o.Share > quietShare:
		text := fmt.Sprintf("%.0f %% of core %d was somebody else's", o.Share, o.Core)
		if o.Holder != "" {
			text += ": " + o.Holder
		}
		return text
	}
	return "nothing else was running"
}

// seen says how much others took in the measuring itself; "" when nobody looked.
func (o Others) seen() string {
	d := o.During
	if d == nil || d.Unknown != "" {
		return ""
	}
	if d.Shared {
		return fmt.Sprintf("While it measured, others used up to %.1f %% of the cores, and the hypervisor gave up to %.1f %% to others.\n", d.Server.Percent, d.Server.Steal)
	}
	return fmt.Sprintf("While it measured, others used up to %.1f %% of the server's core and %.1f %% of the client's, and the hypervisor gave up to %.1f %% to others.\n",
		d.Server.Percent, d.Client.Percent, max(d.Server.Steal, d.Client.Steal))
}
