package model

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fetch"
)

func TestFromEndpoint(t *testing.T) {
	const file = "https://huggingface.co/openai-community/gpt2/resolve/607a/tokenizer.json"
	for mirror, want := range map[string]string{
		"":                        file,
		"http://127.0.0.1:8080":   "http://127.0.0.1:8080/openai-community/gpt2/resolve/607a/tokenizer.json",
		"https://mirror.test/hf/": "https://mirror.test/hf/openai-community/gpt2/resolve/607a/tokenizer.json",
		"mirror.test":             "https://mirror.test/openai-community/gpt2/resolve/607a/tokenizer.json",
	} {
		t.Setenv("HF_ENDPOINT", mirror)
		require.Equal(t, want, fromEndpoint(file))
	}
	require.Equal(t, "http://elsewhere.test/x", fromEndpoint("http://elsewhere.test/x"), "only the hub has mirrors")
}

// The mirror is asked for the pinned revision, and is believed no more than the hub.
func TestAMirrorIsAskedAndHeldToTheHash(t *testing.T) {
	var asked []string
	said := "good"
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		_, _ = w.Write([]byte(said))
	}))
	defer mirror.Close()
	t.Setenv("HF_ENDPOINT", mirror.URL)
	j := &job{Store: Open(t.TempDir())}
	src := fetch.Source{URL: hubHome + "org/model/resolve/1110a243/tokenizer.json", SHA256: sum([]byte("good")), Size: 4}
	dst := filepath.Join(t.TempDir(), "tokenizer.json")
	require.NoError(t, j.fromHub(t.Context(), src, dst))
	b, err := os.ReadFile(dst)
	require.NoError(t, err)
	require.Equal(t, "good", string(b))
	require.Equal(t, []string{"/org/model/resolve/1110a243/tokenizer.json"}, asked)
	said = "evil"
	var hash *fetch.HashError
	require.ErrorAs(t, j.fromHub(t.Context(), src, dst+"2"), &hash)
}
