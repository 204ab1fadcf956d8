package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"stackbench/internal/boot"
)

// clean removes what is in the cache folder and the images that were built here.
func clean(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flags("clean", "clean --images", stderr)
	images := f.Bool("images", false, "remove the images that were built here, too")
	if err := parseAll(f, args); err != nil {
		return err
	}
	err := cleanCache(stdout)
	if !*images {
		return err
	}
	removed, imagesErr := boot.RemoveImages(ctx)
	for _, i := range removed {
		fmt.Fprintf(stdout, "removed image %s: %.1f MB freed\n", i.Ref, float64(i.Bytes)/1e6)
	}
	return errors.Join(err, imagesErr)
}

func cleanCache(stdout io.Writer) error {
	cache, err := boot.DefaultCache()
	if err != nil {
		return err
	}
	done, err := boot.RemoveCache(cache)
	if err != nil {
		return err
	}
	if done.Nothing {
		fmt.Fprintln(stdout, "there is no cache folder: nothing to remove")
		return nil
	}
	if done.Old {
		fmt.Fprintln(stdout, "the cache folder has no mark: it was made by an earlier version, and recognised by what is in it")
	}
	fmt.Fprintf(stdout, "removed the cache folder: %.1f MB freed\n", float64(done.Bytes)/1e6)
	if len(done.Left) > 0 {
		fmt.Fprintf(stdout, "left in it, since stackbench did not make it: %q\n", strings.Join(done.Left, ", "))
	}
	return nil
}
