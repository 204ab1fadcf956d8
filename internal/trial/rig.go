// Package trial measures one case on one stack: its windows or its search, what
// others did to it meanwhile, whether its answers were computed, and the client's
// own floor.
package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// Rig is set up to measure trials of a group's cases on this machine.
type Rig struct {
	*Notes
	Options    suite.Options
	Group      suite.Group
	Host       *host.Host
	Golden     *golden.Store
	Histograms []byte // of the leaf that was measured last, until its trial is recorded

	keepHistograms bool
	patience       time.Duration // left for waiting for others to be quiet
	live           *live         // nil: nobody waits for how a window goes
	floorOf        map[suite.Case]*results.Floor
}

// NewRig is set up for a group on a host, by the host's options; Prepare is still to
// come. Its notes go to the writer.
func NewRig(h *host.Host, g suite.Group, to io.Writer) *Rig {
	return &Rig{
		Notes: &Notes{to: to}, Options: h.Options, Group: g, Host: h, Golden: golden.NewStore(h, g),
		keepHistograms: h.Options.Record.Folder != "", live: newLive(h.Options.Record.Live),
	}
}

// Prepare makes the machine ready to measure: the client has its cores, and what
// idle cards draw is known. What the trials that the run has already have spent on
// waiting for others, this process cannot.
func (r *Rig) Prepare(ctx context.Context, have []results.Trial) error {
	var err error
	if r.patience, err = patienceOf(r.Options.Profile); err != nil {
		return err
	}
	r.patience -= spent(have)
	note, err := cpuset.Pin(r.Host.Client)
	if err != nil {
		return fmt.Errorf("pin the client to cores %s: %w", r.Host.Client, err)
	}
	for _, line := range []string{note, r.Host.Shared} {
		if line != "" {
			r.Note("%s", line)
		}
	}
	if r.Host.Devices != nil {
		r.Host.Devices.MeasureIdle(ctx, idleSpan) // no stack of this process is up yet
	}
	return r.Host.FindLibrary(ctx, nil)
}

// Subject is what is measured, the field's system under test: a stack with a model,
// for as long as its leaves are.
type Subject struct {
	*host.Session
	model     *golden.Model
	reference *host.Session // the reference stack, idle but when drawn answers are checked; nil until then
	SkipNoted bool          // it is noted that it cannot run here: the same holds for all of its leaves
}

// Subject is a stack with a model, not started yet.
func (r *Rig) Subject(s stack.Stack, m *golden.Model) *Subject {
	return &Subject{Session: r.Golden.Session(s, m), model: m}
}

// End stops the stack, and what helped to check its answers.
func (s *Subject) End(ctx context.Context) error {
	err := s.Stop(ctx)
	if s.reference != nil {
		err = errors.Join(err, s.reference.Stop(ctx))
	}
	return err
}

// Leaf is one case on one stack.
type Leaf struct {
	Subject *Subject
	Case    suite.Case
	How     stack.Capability // by which the stack serves the case
	Name    results.Name
}

// B is the part of testing's B that a trial needs: one iteration is one window, or one
// search.
type B interface {
	Loop() bool
	ReportMetric(value float64, unit string)
}

// IsEnding says that the user asked the process to end.
func IsEnding(ctx context.Context) bool {
	select {
	case <-boot.Ending(ctx):
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}
