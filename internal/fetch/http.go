package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"time"
)

// Source is a pinned file on the network.
type Source struct {
	URL    string
	SHA256 string // hexadecimal digits
	Size   int64  // bytes, for the disk check and progress; 0 means unknown
}

// Name is the file's name in its address.
func (s Source) Name() string { return path.Base(s.URL) }

// OfflineError says that a host could not be reached at all.
type OfflineError struct {
	Host string
	Err  error
}

func (e *OfflineError) Error() string { return fmt.Sprintf("%s cannot be reached: %v", e.Host, e.Err) }
func (e *OfflineError) Unwrap() error { return e.Err }

const (
	tries     = 3
	idleLimit = 20 * time.Second // without a byte
)

// File downloads a source to dst, unless it is there already with the right
// hash. What an interrupted download left in dst.part is continued. The error
// is an *OfflineError when the host cannot be reached, a *HashError when it
// sends another file, a *SpaceError when the disk is too full.
func (g *Getter) File(ctx context.Context, src Source, dst string) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return fmt.Errorf("download %s: %w", src.Name(), err)
	}
	if got, err := HashFile(dst); err == nil && got == src.SHA256 {
		return nil
	}
	part := dst + ".part"
	_, statErr := os.Stat(part)
	err := g.fill(ctx, src, part)
	if damaged := new(HashError); statErr == nil && errors.As(err, &damaged) {
		err = g.fill(ctx, src, part) // what the earlier run left was bad; it is gone now
	}
	if err == nil {
		err = os.Rename(part, dst)
	}
	if err != nil {
		return fmt.Errorf("download %s: %w", src.Name(), err)
	}
	return nil
}

// fill completes part and checks it.
func (g *Getter) fill(ctx context.Context, src Source, part string) error {
	var err error
	for range tries {
		err = g.attempt(ctx, src, part)
		var again *retryError
		if !errors.As(err, &again) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return err
	}
	return verify(part, src.SHA256)
}

// retryError is a failure that a second try may mend.
type retryError struct{ err error }

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// attempt fetches the rest of part.
func (g *Getter) attempt(ctx context.Context, src Source, part string) error {
	have, err := lengthOf(part)
	if err != nil {
		return err
	}
	if src.Size > 0 && have >= src.Size {
		return nil
	}
	if err := g.Room(filepath.Dir(part), src.Size-have); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body, at, err := g.open(ctx, src, have)
	if errors.Is(err, errPastEnd) {
		return &retryError{discard(part, err)}
	}
	if err != nil {
		return err
	}
	defer body.Close()
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := errors.Join(f.Truncate(at), seek(f, at)); err != nil {
		return err
	}
	err = g.copy(f, &watched{r: body, cancel: cancel}, src, at)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errIdle) {
		return &retryError{cause}
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// lengthOf is how much of a download lies there; nothing yet is no error.
func lengthOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func seek(f *os.File, at int64) error {
	_, err := f.Seek(at, io.SeekStart)
	return err
}

// open asks for the source from offset have on, and says at which offset what
// comes belongs: a server without ranges sends it all.
func (g *Getter) open(ctx context.Context, src Source, have int64) (body io.ReadCloser, at int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, src.URL, nil)
	if err != nil {
		return nil, 0, err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := g.client().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		return nil, 0, offline(src.URL, err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return resp.Body, 0, nil
	case resp.StatusCode == http.StatusPartialContent && have > 0:
		return resp.Body, have, nil
	}
	resp.Body.Close()
	err = fmt.Errorf("the server answers %s", resp.Status)
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		err = errPastEnd
	case resp.StatusCode >= 500:
		err = &retryError{err}
	}
	return nil, 0, err
}

var errPastEnd = errors.New("what an earlier download left is longer than the file")

func offline(address string, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	host := address
	if u, perr := url.Parse(address); perr == nil {
		host = u.Host
	}
	return &OfflineError{Host: host, Err: err}
}

// copy writes what comes to f, from offset at on.
func (g *Getter) copy(f *os.File, r io.Reader, src Source, at int64) error {
	step := g.steps(src.Name(), src.Size)
	buf := make([]byte, 256<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := f.Write(buf[:n]); werr != nil {
				return g.full(filepath.Dir(f.Name()), src.Size-at, werr)
			}
			at += int64(n)
			step(at)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &retryError{fmt.Errorf("broken off after %s: %w", size(at), err)}
		}
	}
}

var errIdle = fmt.Errorf("no byte came for %s", idleLimit)

// watched ends a download that stands still.
type watched struct {
	r      io.Reader
	cancel context.CancelCauseFunc
}

func (w *watched) Read(p []byte) (int, error) {
	t := time.AfterFunc(idleLimit, func() { w.cancel(errIdle) })
	defer t.Stop()
	return w.r.Read(p)
}
