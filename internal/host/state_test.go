package host

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

func TestAnImageThatIsNotHereIsAReason(t *testing.T) {
	reason, cure := absent("tei", []stack.Image{{Ref: "ghcr.io/x/tei:1", Bytes: 700_000_000}})
	require.Equal(t, "its image ghcr.io/x/tei:1 is not here", reason)
	require.Equal(t, "go tool stackbench setup --stacks tei pulls what it needs, where an image registry is reachable, about 0.7 GB", cure)
	_, cure = absent("own", []stack.Image{{Ref: "own:1", Bytes: 4e8, Build: &stack.Build{}}, {Ref: "torch:1", Bytes: 3e9, Build: &stack.Build{}}})
	require.Equal(t, "go tool stackbench setup --stacks own builds it, about 3.4 GB", cure)
	reason, _ = absent("own", nil)
	require.Empty(t, reason)
}
