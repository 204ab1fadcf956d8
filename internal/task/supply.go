package task

import (
	"fmt"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/workload"
)

// Supply draws what the requests of a group's cases carry.
type Supply struct {
	Options suite.Options
	Group   suite.Group
	album   *workload.Album // of images; nil until one is needed
}

// Draw says what the requests of a case carry. The same trial has the same on
// every stack; no two cases or trials have an input in common, but for the
// committed ones.
func (s *Supply) Draw(c suite.Case, how stack.Capability, m Served) (inputs, error) {
	salt := s.Options.Salted(c)
	return KindOf(how.Task).inputs(s, c, how, m, salt)
}

// pictures are those of a case that sends files; nil of one that does not.
func (s *Supply) pictures(c suite.Case) (*workload.Album, error) {
	if c.Input == stack.JPEG && s.album == nil {
		var err error
		if s.album, err = workload.NewAlbum(stackbench.Testdata()); err != nil {
			return nil, err
		}
	}
	return s.album, nil
}

// Prepare builds the requests of a case for a stack at an endpoint.
func (s *Supply) Prepare(c suite.Case, how stack.Capability, m Served, at stack.Endpoint) (*Work, error) {
	in, err := s.Draw(c, how, m)
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	return Assemble(in, how, m, at)
}
