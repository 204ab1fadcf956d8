package plan_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/plan"
)

func TestReadGivesBackWhatWriteWrote(t *testing.T) {
	want := []plan.Leaf{
		{Name: "Embeddings/stack=embedded/model=m/proto=rest/input=text/batch=1/load=closed/conc=1", Stack: "embedded", Model: "m", Seconds: 4.5, Start: 2},
		{Name: "Embeddings/stack=fastapi-onnxruntime/model=m/proto=grpc/input=text/batch=1/load=closed/conc=1", Stack: "fastapi-onnxruntime", Model: "m", Skip: "the stack has no grpc"},
	}
	var b bytes.Buffer
	require.NoError(t, plan.Write(&b, want))
	got, err := plan.Read(&b)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestReadNamesTheBadLine(t *testing.T) {
	for _, in := range []string{"{\"name\":\"a\"}\nPASS\n", "{\"name\":\"a\"}\n{}\n"} {
		_, err := plan.Read(strings.NewReader(in))
		require.ErrorContains(t, err, "line 2")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("{\"name\":\"a\"}\n"))
	f.Add([]byte("PASS\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		leaves, err := plan.Read(bytes.NewReader(data))
		for _, l := range leaves {
			require.NotEmpty(t, l.Name)
		}
		if err != nil {
			require.Empty(t, leaves)
		}
	})
}
