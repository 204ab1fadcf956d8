package fetch

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Member takes one file out of a .whl, .zip, .tgz or .tar.gz and writes it to
// dst. pattern is matched against the names inside, as path.Match does.
func (g *Getter) Member(ctx context.Context, archive, pattern, dst string) error {
	take := tarMember
	if strings.HasSuffix(archive, ".whl") || strings.HasSuffix(archive, ".zip") {
		take = zipMember
	}
	err := take(archive, pattern, func(r io.Reader, size int64) error {
		return g.Write(dst, size, func(f *os.File) error {
			n, err := io.Copy(f, &cancelled{ctx, r})
			if err == nil && n != size {
				err = io.ErrUnexpectedEOF
			}
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("take %s out of %s: %w", path.Base(pattern), path.Base(archive), err)
	}
	return nil
}

func zipMember(archive, pattern string, use func(io.Reader, int64) error) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if ok, err := path.Match(pattern, f.Name); err != nil || !ok || f.UncompressedSize64 > 1<<40 {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		return use(r, int64(f.UncompressedSize64))
	}
	return os.ErrNotExist
}

func tarMember(archive, pattern string, use func(io.Reader, int64) error) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return os.ErrNotExist
		}
		if err != nil {
			return err
		}
		if ok, err := path.Match(pattern, h.Name); err == nil && ok && h.Typeflag == tar.TypeReg {
			return use(t, h.Size)
		}
	}
}

// cancelled ends a copy when its context does.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
