package task

import (
	"fmt"

	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// Supply draws what the requests of a group's cases carry, by the trial's seed.
type Supply struct {
	Options suite.Options
	Group   suite.Group
	opened  map[stack.Input]source // that are the same for all models
}

// Draw says what the requests of a case carry. The same trial has the same on
// every stack; no two cases or trials have an input in common, but for the
// committed ones.
func (s *Supply) Draw(c suite.Case, how stack.Capability, m Served) (inputs, error) {
	salt := s.Options.Salted(c)
	return KindOf(how.Task).inputs(s, c, how, m, salt)
}

// once opens the source of a form the first time, and gives it again after that.
func (s *Supply) once(in stack.Input, open func() (source, error)) (source, error) {
	if from, ok := s.opened[in]; ok {
		return from, nil
	}
	from, err := open()
	if err != nil {
		return nil, err
	}
	if s.opened == nil {
		s.opened = map[stack.Input]source{}
	}
	s.opened[in] = from
	return from, nil
}

// Prepare builds the requests of a case for a stack at an endpoint. Close ends the work.
func (s *Supply) Prepare(c suite.Case, how stack.Capability, m Served, at stack.Endpoint) (*Work, error) {
	in, err := s.Draw(c, how, m)
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	return Assemble(in, how, m, at)
}
