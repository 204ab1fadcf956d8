package host

import (
	"context"
	"fmt"

	"stackbench/internal/boot"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// State says whether a stack can run on this machine now.
type State struct {
	Stack    stack.Stack
	Launcher string // container, process or attach; "" where it cannot run at all
	Reason   string // why it cannot run now; "" when it can
	Cure     string // of Reason
}

// Stacks says of every chosen stack whether it can run here. It starts nothing,
// and fetches nothing: an image that is not here is a reason.
func Stacks(ctx context.Context, o suite.Options) ([]State, error) {
	h, err := Survey(o)
	if err != nil {
		return nil, err
	}
	var out []State
	for _, s := range o.Stacks {
		st := State{Stack: s}
		not, err := h.unavailable(ctx, s)
		if err != nil {
			return nil, err
		}
		if not != nil {
			st.Reason, st.Cure = not.Reason, not.Cure
			out = append(out, st)
			continue
		}
		spec := h.spec(s, stack.Model{})
		if st.Launcher, err = boot.Resolve(ctx, spec); err != nil {
			return nil, err
		}
		missing, err := boot.Missing(ctx, spec)
		if err != nil {
			return nil, err
		}
		st.Reason, st.Cure = absent(s.Name, missing)
		out = append(out, st)
	}
	return out, nil
}

// absent says which image a stack lacks and how it is had. The images come as
// they are needed: the stack's own, then those below it.
func absent(name string, missing []stack.Image) (reason, cure string) {
	if len(missing) == 0 {
		return "", ""
	}
	bytes, pulled := int64(0), false
	for _, img := range missing {
		bytes, pulled = bytes+img.Bytes, pulled || img.Build == nil
	}
	how := "builds it"
	if pulled {
		how = "pulls what it needs, where an image registry is reachable"
	}
	return fmt.Sprintf("its image %s is not here", missing[0].Ref),
		fmt.Sprintf("go tool stackbench setup --stacks %s %s, about %.1f GB", name, how, float64(bytes)/1e9)
}
