package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"stackbench/internal/boot"
)

// clean removes the cache folder and the images that were built here.
func clean(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flags("clean", "clean --images", stderr)
	images := f.Bool("images", false, "remove the images that were built here, too")
	if err := parse(f, args); err != nil {
		return err
	}
	cache, err := boot.DefaultCache()
	if err != nil {
		return err
	}
	freed := size(cache)
	if err := os.RemoveAll(cache); err != nil {
		return fmt.Errorf("remove the cache: %w\nremove it by hand, as the user who owns it", err)
	}
	fmt.Fprintf(stdout, "removed the cache folder: %.1f MB freed\n", float64(freed)/1e6)
	if !*images {
		return nil
	}
	removed, err := boot.RemoveImages(ctx)
	for _, i := range removed {
		fmt.Fprintf(stdout, "removed image %s: %.1f MB freed\n", i.Ref, float64(i.Bytes)/1e6)
	}
	return err
}

// size is the sum of the files; what cannot be read counts nothing.
func size(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
