package boot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"stackbench/internal/stack"
)

// readyMark is the file, written last, that says what a virtual environment
// was made from; without it the environment is half made.
const readyMark = ".stackbench-ready"

// pythonProgram gives the interpreter and the environment that run the stack's
// module: the interpreter that STACKBENCH_PYTHON names, as it is, when it has
// everything that is needed; else a virtual environment under the cache.
func pythonProgram(ctx context.Context, s Spec, progress io.Writer) (program, error) {
	py := s.Stack.Process.Python
	named := os.Getenv("STACKBENCH_PYTHON")
	base, err := interpreter(ctx, s.Stack.Name, named)
	if err != nil {
		return program{}, err
	}
	src, err := extract(s.Cache, s.Stack.Name, py.Source)
	if err != nil {
		return program{}, fmt.Errorf("prepare %s: %w", s.Stack.Name, err)
	}
	use, from := base.path, src
	if named == "" || !base.has(ctx, py.Imports) {
		if use, err = environment(ctx, s, base, progress); err != nil {
			return program{}, err
		}
	} else if theirs := os.Getenv("PYTHONPATH"); theirs != "" {
		// The modules were found by it. A locked environment must not see it:
		// what it names would come before what was locked.
		from += string(os.PathListSeparator) + theirs
	}
	return program{path: use, args: []string{"-m", py.Module}, env: []string{"PYTHONPATH=" + from, "PYTHONUNBUFFERED=1"}}, nil
}

// withoutGPU says why a stack cannot compute on a GPU as a process, before
// anything is installed or started: the server itself would only tell once it
// was up. nil where it can.
func withoutGPU(ctx context.Context, s Spec) error {
	if s.device() != stack.GPU || s.Stack.Process.Python == nil || s.Stack.Process.Python.OnGPU == "" {
		return nil
	}
	py := s.Stack.Process.Python
	why := "the requirements that it is locked to are for the CPU"
	if named := os.Getenv("STACKBENCH_PYTHON"); named != "" {
		base, err := interpreter(ctx, s.Stack.Name, named)
		if err != nil {
			return err
		}
		if base.has(ctx, py.Imports) {
			if base.says(ctx, py) {
				return nil
			}
			why = "what STACKBENCH_PYTHON has computes on the CPU only"
		}
	}
	return &Unavailable{
		Reason: fmt.Sprintf("%s as a process has no GPU: %s", s.Stack.Name, why),
		Cure:   "use its container (--launcher container), name an interpreter whose packages have CUDA in STACKBENCH_PYTHON, or measure with --device cpu",
	}
}

// says evaluates the expression by which the stack's packages tell that they
// compute on a GPU, beside the imports that it may use.
func (p python) says(ctx context.Context, py *stack.Python) bool {
	const ask = `import importlib, sys
names = {name.split(".")[0]: importlib.import_module(name.split(".")[0]) for name in sys.argv[2:]}
sys.exit(not eval(sys.argv[1], names))`
	return exec.CommandContext(ctx, p.path, append([]string{"-c", ask, py.OnGPU}, py.Imports...)...).Run() == nil
}

// python is an interpreter that was found.
type python struct{ path, version string }

// interpreter finds Python 3.11 or later.
func interpreter(ctx context.Context, name, path string) (python, error) {
	asked := path
	if path == "" {
		path = "python3"
	}
	found, err := exec.LookPath(path)
	if err == nil {
		var out []byte
		out, err = exec.CommandContext(ctx, found, "-c", `import sys; print("%d.%d" % sys.version_info[:2], sys.version)`).Output()
		if err == nil {
			var major, minor int
			if _, err = fmt.Sscanf(string(out), "%d.%d", &major, &minor); err == nil && (major != 3 || minor < 11) {
				err = fmt.Errorf("it is Python %d.%d", major, minor)
			}
			if err == nil {
				return python{path: found, version: strings.TrimSpace(string(out))}, nil
			}
		}
	}
	if asked != "" {
		return python{}, &Failure{
			What: fmt.Sprintf("start %s: STACKBENCH_PYTHON=%s: %v", name, asked, err),
			Cure: "point STACKBENCH_PYTHON at Python 3.11 or later, or unset it to use python3",
			Err:  err,
		}
	}
	return python{}, &Unavailable{
		Reason: fmt.Sprintf("%s as a process needs Python 3.11 or later: %v", name, err),
		Cure:   "install Python 3.11 or later, or set STACKBENCH_PYTHON to it",
		Err:    err,
	}
}

// has says whether the interpreter finds every module. It looks them up
// without importing them: importing torch takes seconds.
func (p python) has(ctx context.Context, modules []string) bool {
	return exec.CommandContext(ctx, p.path, append([]string{"-c", lookFor}, modules...)...).Run() == nil
}

const lookFor = `import importlib.util, sys
for name in sys.argv[1:]:
    if importlib.util.find_spec(name) is None:
        sys.exit(1)`

// makesEnvironments says whether the interpreter can make virtual environments.
// Debian's and Ubuntu's leave a part of what that needs to another package.
func (p python) makesEnvironments(ctx context.Context) bool {
	return exec.CommandContext(ctx, p.path, "-c", "import ensurepip").Run() == nil &&
		exec.CommandContext(ctx, p.path, "-m", "venv", "--help").Run() == nil
}

// holds says whether the environment itself has every module: whatever else the
// user's variables lead to is not asked.
func (p python) holds(ctx context.Context, modules []string) bool {
	return exec.CommandContext(ctx, p.path, append([]string{"-I", "-c", lookFor}, modules...)...).Run() == nil
}

// environment makes the stack's virtual environment, unless it is there for
// the same requirements and interpreter, and returns its interpreter.
func environment(ctx context.Context, s Spec, base python, progress io.Writer) (string, error) {
	name, py := s.Stack.Name, s.Stack.Process.Python
	dir := filepath.Join(s.Cache, "venv", name)
	want := sha256.New()
	fmt.Fprintln(want, base.path, base.version)
	for _, r := range py.Requirements {
		b, err := fs.ReadFile(py.Source, r)
		if err != nil {
			return "", fmt.Errorf("prepare %s: %w", name, err)
		}
		fmt.Fprintln(want, r, len(b))
		want.Write(b)
	}
	mark := []byte(hex.EncodeToString(want.Sum(nil)) + "\n")
	unlock, err := lock(ctx, s.Cache, "venv-"+name)
	if err != nil {
		return "", fmt.Errorf("prepare %s: %w", name, err)
	}
	defer unlock()
	use := filepath.Join(dir, "bin", "python")
	if have, err := os.ReadFile(filepath.Join(dir, readyMark)); err == nil && bytes.Equal(have, mark) && (python{path: use}).holds(ctx, py.Imports) {
		return use, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("prepare %s: %w", name, err)
	}
	if err := install(ctx, s, base, dir, progress); err != nil {
		return "", err
	}
	if !(python{path: use}).holds(ctx, py.Imports) {
		return "", &Failure{
			What: fmt.Sprintf("prepare %s: pip installed its packages somewhere else than into %s", name, dir),
			Cure: "look for a setting that leads it away (" + use + " -m pip config list: target, prefix, root), and run it again without",
		}
	}
	if err := os.WriteFile(filepath.Join(dir, readyMark), mark, 0o644); err != nil {
		return "", fmt.Errorf("prepare %s: %w", name, err)
	}
	return use, nil
}

func install(ctx context.Context, s Spec, base python, dir string, progress io.Writer) error {
	name, py := s.Stack.Name, s.Stack.Process.Python
	what := "prepare " + name
	if err := step(ctx, progress, what, exec.CommandContext(ctx, base.path, "-m", "venv", dir)); err != nil {
		return err
	}
	reqs, err := os.MkdirTemp("", "stackbench-requirements-*")
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer os.RemoveAll(reqs)
	for _, r := range py.Requirements {
		b, err := fs.ReadFile(py.Source, r)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		file := filepath.Join(reqs, path.Base(r))
		if err := os.WriteFile(file, b, 0o644); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		pip := exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"), "-m", "pip", "install",
			"--require-hashes", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-r", file)
		pip.Env = pipEnvironment(os.Environ())
		if err := step(ctx, progress, what, pip); err != nil {
			return err
		}
	}
	return nil
}

// pipEnvironment is the user's, with the mirrors and proxies that it names, but
// without what leads pip to install elsewhere, or nothing, or to take what lies
// elsewhere for installed.
func pipEnvironment(all []string) []string {
	var out []string
	for _, v := range all {
		name, _, _ := strings.Cut(v, "=")
		switch strings.ToUpper(name) {
		case "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_DRY_RUN", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE":
			continue
		}
		out = append(out, v)
	}
	return out
}

// extract writes the stack's Python source under the cache, in a folder named
// by its content, and returns the folder.
func extract(cache, name string, src fs.FS) (string, error) {
	sum, err := contentHash(src)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "src", name+"-"+sum[:16])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "."+name+"-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	if err := os.CopyFS(part, src); err != nil {
		return "", err
	}
	if err := os.Chmod(part, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(part, dir); err != nil {
		if _, err := os.Stat(dir); err == nil {
			return dir, nil // another run was faster
		}
		return "", err
	}
	return dir, nil
}

// contentHash is over the names and contents of the files, not their times.
func contentHash(src fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(src, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(src, p)
		if err != nil {
			return err
		}
		fmt.Fprintln(h, len(p), p, len(b))
		_, err = h.Write(b)
		return err
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
