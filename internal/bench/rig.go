package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/results"
	"stackbench/internal/stack"
)

// rig measures trials of a group's cases on this machine.
type rig struct {
	*notes
	options  Options
	group    Group
	env      *environment
	store    *store
	keeps    bool          // histograms of what is measured
	patience time.Duration // left for waiting for others to be quiet
	live     *live         // nil: nobody waits for how a window goes
	floorOf  map[Case]*results.Floor
	hlog     []byte // histograms of the leaf that was measured last, until its trial is recorded
}

func newRig(e *environment, g Group, to io.Writer) *rig {
	return &rig{
		notes: &notes{to: to}, options: e.options, group: g, env: e, store: newStore(e, g),
		keeps: e.options.Record.Folder != "", live: newLive(e.options.Record.Live),
	}
}

// ready makes the machine ready to measure: the client has its cores, and what
// idle cards draw is known. What the trials of the run have spent on waiting for
// others, this process cannot.
func (r *rig) ready(ctx context.Context, have []results.Trial) error {
	var err error
	if r.patience, err = patienceOf(r.options.Profile); err != nil {
		return err
	}
	r.patience -= spent(have)
	note, err := cpuset.Pin(r.env.client)
	if err != nil {
		return fmt.Errorf("pin the client to cores %s: %w", r.env.client, err)
	}
	for _, line := range []string{note, r.env.shared} {
		if line != "" {
			r.note("%s", line)
		}
	}
	if r.env.devices != nil {
		r.env.devices.MeasureIdle(ctx, idleSpan) // no stack of this process is up yet
	}
	return r.env.findLibrary(ctx, nil)
}

// subject is a stack with a model that is measured.
type subject struct {
	*session
	model  *reference
	oracle *session // the reference stack, idle but when drawn answers are checked; nil until then
	said   bool     // that it cannot run here
}

func (r *rig) subject(s stack.Stack, m *reference) *subject {
	return &subject{session: r.store.session(s, m), model: m}
}

// end stops the stack, and what helped to check its answers.
func (s *subject) end(ctx context.Context) error {
	err := s.stop(ctx)
	if s.oracle != nil {
		err = errors.Join(err, s.oracle.stop(ctx))
	}
	return err
}

// leaf is one case on one stack.
type leaf struct {
	session *subject
	c       Case
	how     stack.Capability
	name    results.Name
}

// Bench is the part of testing's B that a trial needs.
type Bench interface {
	Loop() bool
	ReportMetric(value float64, unit string)
}

// isEnding says that the user asked the process to end.
func isEnding(ctx context.Context) bool {
	select {
	case <-boot.Ending(ctx):
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}
