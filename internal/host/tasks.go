package host

import (
	"fmt"

	"stackbench/internal/model"
	"stackbench/internal/suite"
)

// CheckTasks refuses a case whose model does other work than the case says.
func CheckTasks(g suite.Group) error {
	for _, c := range g.Cases {
		spec, err := model.Spec(c.Model)
		if err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
		if spec.Task != c.Task {
			return fmt.Errorf("group %s: a case of %s is of the task %q, and its model does %q\nwrite the model's task into the case", g.Name, c.Model, c.Task, spec.Task)
		}
	}
	return nil
}
