package host

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

func TestACaseIsOfItsModelsTask(t *testing.T) {
	require.NoError(t, CheckTasks(suite.Group{Cases: []suite.Case{textCase()}}))
	wrong := textCase()
	wrong.Task = stack.TextGeneration
	require.ErrorContains(t, CheckTasks(suite.Group{Name: "g", Cases: []suite.Case{wrong}}), `group g: a case of all-minilm-l6-v2 is of the task "text-generation"`)
	require.Error(t, CheckTasks(suite.Group{Cases: []suite.Case{{Model: "nobody's"}}}))
}
