package bench

import (
	"fmt"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/workload"
)

// supply draws what the requests of a group's cases carry.
type supply struct {
	options Options
	group   Group
	album   *workload.Album // of images; nil until one is needed
}

// draw says what the requests of a case carry. The same trial has the same on
// every stack; no two cases or trials have an input in common, but for the
// committed ones.
func (s *supply) draw(c Case, how stack.Capability, m served) (inputs, error) {
	salt := s.options.salted(c)
	return kindOf(how.Task).inputs(s, c, how, m, salt)
}

// pictures are those of a case that sends files; nil of one that does not.
func (s *supply) pictures(c Case) (*workload.Album, error) {
	if c.Input == stack.JPEG && s.album == nil {
		var err error
		if s.album, err = workload.NewAlbum(stackbench.Testdata()); err != nil {
			return nil, err
		}
	}
	return s.album, nil
}

// prepare builds the requests of a case for a stack at an endpoint.
func (s *supply) prepare(c Case, how stack.Capability, m served, at stack.Endpoint) (*work, error) {
	in, err := s.draw(c, how, m)
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	return assemble(in, how, m, at)
}
