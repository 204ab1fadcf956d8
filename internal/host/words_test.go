package host

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
)

func TestOneLineOfAnError(t *testing.T) {
	require.Equal(t, "what", OneLine(errors.New("what\ncure")))
	require.Equal(t, "what: cause; what to do", OneLine(&boot.Failure{What: "what", Cure: "cure", Log: "chatter\n cause\nwhat to do\n"}))
	reason, skip := Skippable(&boot.Unavailable{Reason: "no Docker", Cure: "install it"})
	require.True(t, skip)
	require.Equal(t, "no Docker: install it", reason)
	_, skip = Skippable(errors.New("anything else"))
	require.False(t, skip)
}
