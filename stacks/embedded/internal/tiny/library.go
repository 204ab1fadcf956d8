package tiny

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Library returns the path of an ONNX Runtime library on this machine: the one
// that STACKBENCH_ORT_LIB names, else the newest in the cache. The error is
// fs.ErrNotExist, with what to do, when there is none.
func Library() (string, error) {
	if path := os.Getenv("STACKBENCH_ORT_LIB"); path != "" {
		return path, nil
	}
	cache, err := cache()
	if err != nil {
		return "", err
	}
	var found []string
	for _, depth := range []string{"*", "*/*", "*/*/*"} {
		files, err := filepath.Glob(filepath.Join(cache, "ort", depth))
		if err != nil {
			return "", err
		}
		for _, f := range files {
			if match, _ := filepath.Match("libonnxruntime.so*", filepath.Base(f)); match {
				found = append(found, f)
			}
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("no ONNX Runtime library: name one in STACKBENCH_ORT_LIB, or let go tool stackbench setup fetch it: %w", fs.ErrNotExist)
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

// Prepared returns the machine's model store when a model of true size is in it;
// else the error is fs.ErrNotExist, with what to do.
func Prepared(model string) (string, error) {
	cache, err := cache()
	if err != nil {
		return "", err
	}
	store := filepath.Join(cache, "models")
	if data, err := os.ReadFile(filepath.Join(store, model, "model.json")); err != nil || !bytes.Contains(data, []byte(`"graphs"`)) {
		return "", fmt.Errorf("%s is not prepared, or of an earlier form: go tool stackbench setup makes it: %w", model, fs.ErrNotExist)
	}
	return store, nil
}

func cache() (string, error) {
	if cache := os.Getenv("STACKBENCH_CACHE"); cache != "" {
		return cache, nil
	}
	user, err := os.UserCacheDir()
	return filepath.Join(user, "stackbench"), err
}
