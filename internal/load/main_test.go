package load_test

import (
	"os"
	"testing"

	"stackbench/internal/fake"
)

// A benchmark's server is this binary, started again.
func TestMain(m *testing.M) {
	fake.Main()
	os.Exit(m.Run())
}
