package results

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHistogramsAreKeptByLeafAndTrial(t *testing.T) {
	l := create(t)
	name := trial("a", 1).Name
	require.NoError(t, l.Histograms(name, 2, []byte("first")))
	require.NoError(t, l.Histograms(name, 2, []byte("again")), "a trial that failed is measured again")
	path := HistFile(l.Dir(), name, 2)
	require.Equal(t, "Embeddings,stack=a,model=m,proto=rest,input=text,batch=1,load=closed,conc=8,trial=2.hlog", filepath.Base(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "again", string(text))
	require.ErrorContains(t, l.Histograms("../../x", 1, nil), "keep the histograms of ../../x")

	require.NoError(t, os.RemoveAll(filepath.Dir(path)))
	require.NoError(t, os.WriteFile(filepath.Dir(path), nil, 0o644)) // no folder can be made there
	var lost *Lost
	require.ErrorAs(t, l.Histograms(name, 3, nil), &lost)
	require.Equal(t, "the histograms of trial 3 of "+name, lost.What)
}
