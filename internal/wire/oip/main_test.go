package oip

import (
	"os"
	"testing"

	"stackbench/internal/fake"
)

func TestMain(m *testing.M) {
	fake.Main()
	os.Exit(m.Run())
}
