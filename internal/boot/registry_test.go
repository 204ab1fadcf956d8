package boot

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// registry serves one image, whose manifest says of itself what it is told to.
type registry struct {
	manifest []byte
	blobs    map[string][]byte
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func newRegistry(t *testing.T) *registry {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "empty", Mode: 0o644, Typeflag: tar.TypeReg}))
	require.NoError(t, w.Close())
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "config": map[string]any{},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{digest(layer.Bytes())}},
	})
	require.NoError(t, err)
	blob := func(kind string, b []byte) map[string]any {
		return map[string]any{"mediaType": kind, "size": len(b), "digest": digest(b)}
	}
	const docker = "application/vnd.docker."
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": docker + "distribution.manifest.v2+json",
		"config": blob(docker+"container.image.v1+json", config),
		"layers": []any{blob(docker+"image.rootfs.diff.tar", layer.Bytes())},
	})
	require.NoError(t, err)
	return &registry{manifest, map[string][]byte{digest(config): config, digest(layer.Bytes()): layer.Bytes()}}
}

func (r *registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	_, name, _ := strings.Cut(q.URL.Path, "/blobs/")
	switch {
	case q.URL.Path == "/v2/":
	case strings.Contains(q.URL.Path, "/manifests/"):
		w.Header().Set("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
		w.Header().Set("Content-Length", fmt.Sprint(len(r.manifest)))
		if q.Method != http.MethodHead {
			_, _ = w.Write(r.manifest)
		}
	case r.blobs[name] != nil:
		_, _ = w.Write(r.blobs[name])
	default:
		http.NotFound(w, q)
	}
}

// TestDigestThatDoesNotMatchItsPin pulls from a registry that serves another
// image than the one that was pinned.
func TestDigestThatDoesNotMatchItsPin(t *testing.T) {
	e := docker(t)
	r := newRegistry(t)
	s := httptest.NewServer(r)
	defer s.Close()
	ref := strings.TrimPrefix(s.URL, "http://") + "/stackbench-test:1"

	img, err := e.ensure(t.Context(), stack.Image{Ref: ref, Digest: digest(r.manifest)}, "", io.Discard)
	require.NoError(t, err)
	t.Cleanup(func() { removeImage(t, img.id) })
	require.True(t, strings.HasSuffix(img.digest, "@"+digest(r.manifest)), img.digest)

	other := digest([]byte("another image"))
	_, err = e.ensure(t.Context(), stack.Image{Ref: ref, Digest: other}, "", io.Discard)
	f := failure(t, err)
	require.Contains(t, f.What, "pull image "+ref+"@"+other+": ")
	require.Equal(t, "the registry serves another image under that digest: check the pin, and whether a mirror stands in between", f.Cure)
}
