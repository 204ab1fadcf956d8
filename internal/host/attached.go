package host

import (
	"fmt"

	"stackbench/internal/boot"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// UnknownWeights is what a trial of an attached server says of its weights: the
// answers were right, and more is not known.
const UnknownWeights = "unknown"

// Capability is how a stack serves a case here: a server that is attached may
// have been named without the address that the case needs.
func (h *Host) Capability(s stack.Stack, c suite.Case) (stack.Capability, error) {
	how, err := c.Capability(s)
	if err != nil {
		return how, err
	}
	at, attached, err := boot.Attached(s.Name)
	switch {
	case err != nil || !attached:
		return how, err
	case how.Proto.HTTP() && at.REST == "":
		return how, fmt.Errorf("the server is attached without a rest= address")
	case !how.Proto.HTTP() && at.GRPC == "":
		return how, fmt.Errorf("the server is attached without a grpc= address")
	}
	return how, nil
}

// KnowsWeights is an error where it is not known that a server has the weights which
// were made ready here.
func (s *Server) KnowsWeights() error {
	if s.Boot.Launcher == boot.Attach {
		return fmt.Errorf("%s is attached, and its weights are not known to be these", s.Boot.Name)
	}
	return nil
}
