package boot

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// modelsInside is where a container sees the model store.
const modelsInside = "/models"

// store is a model's folder and how a container is to get it.
type store struct {
	dir    string // of the one model, absolute
	model  string
	links  bool // it holds links, which may lead out of what is mounted
	closed bool // to all but its owner, who the server is not
}

func storeOf(s Spec) (store, error) {
	if s.Run.Models == "" {
		return store{}, nil
	}
	dir, err := filepath.Abs(filepath.Join(s.Run.Models, s.Run.Model.Name))
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return store{}, &Failure{
			What: fmt.Sprintf("start %s: model %s is not in the store %s", s.Stack.Name, s.Run.Model.Name, s.Run.Models),
			Cure: "prepare it first (go tool stackbench setup)",
			Err:  err,
		}
	}
	st := store{dir: dir, model: s.Run.Model.Name}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st.links = st.links || d.Type()&fs.ModeSymlink != 0
		info, err := d.Info()
		if err == nil {
			want := fs.FileMode(0o004)
			if d.IsDir() {
				want = 0o005
			}
			st.closed = st.closed || s.ours() && info.Mode()&want != want
		}
		return err
	})
	if err != nil {
		return store{}, fmt.Errorf("start %s: read the model store: %w", s.Stack.Name, err)
	}
	return st, nil
}

// bound says whether the store is mounted rather than copied.
func bound(st store, p place) bool { return st.dir == "" || p.local && !st.links && !st.closed }

// packStore writes the model's folder as an archive to unpack in modelsInside.
func packStore(st store, to io.Writer) error {
	w := tar.NewWriter(to)
	if err := w.WriteHeader(&tar.Header{Name: st.model + "/", Mode: 0o755, Typeflag: tar.TypeDir}); err != nil {
		return err
	}
	files, err := os.ReadDir(st.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := packFile(w, filepath.Join(st.dir, f.Name()), path.Join(st.model, f.Name())); err != nil {
			return err
		}
	}
	return w.Close()
}

func packFile(w *tar.Writer, from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() { // a model's folder holds files only
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: to, Mode: 0o644, Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
