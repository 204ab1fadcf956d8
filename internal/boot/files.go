package boot

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"stackbench/internal/stack"
)

// filesInside is where a container finds the Files of its stack.
const filesInside = "/repository"

// filesOf writes the stack's own description of the model it is to serve; none
// when the stack wants none.
func filesOf(s Spec) (stack.Files, error) {
	if s.Stack.Container.Files == nil {
		return stack.Files{}, nil
	}
	f, err := s.Stack.Container.Files(inside(s))
	if err == nil {
		err = checkFiles(f)
	}
	if err != nil {
		return stack.Files{}, fmt.Errorf("start %s: describe %s for it: %w", s.Stack.Name, s.Run.Model.Name, err)
	}
	return f, nil
}

// checkFiles refuses paths that lead out of the folder they are written to.
func checkFiles(f stack.Files) error {
	for _, p := range slices.Concat(slices.Collect(maps.Keys(f.Content)), slices.Collect(maps.Keys(f.Links)), slices.Collect(maps.Values(f.Links))) {
		if !fs.ValidPath(strings.TrimSuffix(p, "/")) {
			return fmt.Errorf("%q is not a path inside a folder", p)
		}
	}
	return nil
}

// packFiles writes the files as an archive to unpack in filesInside, in a fixed
// order and without times. They belong to the server, which may compile a model
// into them. Links lead into the folder of the served model.
func packFiles(f stack.Files, model string, to io.Writer) error {
	w := tar.NewWriter(to)
	made := map[string]bool{"": true, ".": true}
	entry := func(h tar.Header, content []byte) error {
		if err := folders(w, made, path.Dir(h.Name)); err != nil {
			return err
		}
		h.Size, h.Uid, h.Gid = int64(len(content)), serverID, serverID
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(f.Content)) {
		if folder, empty := strings.CutSuffix(p, "/"); empty {
			if err := folders(w, made, folder); err != nil {
				return err
			}
			continue
		}
		if err := entry(tar.Header{Name: p, Mode: 0o644, Typeflag: tar.TypeReg}, f.Content[p]); err != nil {
			return err
		}
	}
	for _, p := range slices.Sorted(maps.Keys(f.Links)) {
		to := path.Join(modelsInside, model, f.Links[p])
		if err := entry(tar.Header{Name: p, Linkname: to, Mode: 0o777, Typeflag: tar.TypeSymlink}, nil); err != nil {
			return err
		}
	}
	return w.Close()
}

// folders writes a folder and those above it, each once.
func folders(w *tar.Writer, made map[string]bool, dir string) error {
	if made[dir] {
		return nil
	}
	if err := folders(w, made, path.Dir(dir)); err != nil {
		return err
	}
	made[dir] = true
	return w.WriteHeader(&tar.Header{Name: dir + "/", Mode: 0o755, Uid: serverID, Gid: serverID, Typeflag: tar.TypeDir})
}
