package ort

import (
	"debug/elf"
	"debug/macho"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// oldest is the first minor version of ONNX Runtime 1 with the C API that the
// embedded server is compiled against.
const oldest = 24

// readVersion reads the version out of a library file without loading it: an
// old or foreign library could crash the process that asks it.
func readVersion(path string, want platform) (version string, err error) {
	defer func() {
		// debug/elf and debug/macho are hardened against hostile files, but a
		// panic over somebody's broken library must not end a benchmark.
		if r := recover(); r != nil {
			version, err = "", fmt.Errorf("%s cannot be read as a library: %v", path, r)
		}
	}()
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	if want.os == "darwin" {
		return machoVersion(path, want.arch)
	}
	return elfVersion(path, want.arch)
}

// elfVersion reads the symbol version that ONNX Runtime's own linker script
// defines: VERS_1.32.0.
func elfVersion(path, arch string) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s is no shared library: %w", path, err)
	}
	defer f.Close()
	if m := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; m != f.Machine {
		return "", fmt.Errorf("%s is built for %s, not for %s", path, f.Machine, arch)
	}
	versions, err := f.DynamicVersions()
	if err != nil {
		return "", fmt.Errorf("%s tells no version: %w", path, err)
	}
	base := ""
	for _, v := range versions {
		if strings.HasPrefix(v.Name, "libonnxruntime.so") {
			base = v.Name
		}
		if version, ok := strings.CutPrefix(v.Name, "VERS_"); ok && base != "" {
			return version, nil
		}
	}
	return "", fmt.Errorf("%s is not ONNX Runtime: it has no such symbol version", path)
}

// machoVersion reads the library's own version from its LC_ID_DYLIB command.
func machoVersion(path, arch string) (string, error) {
	f, err := macho.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s is no shared library: %w", path, err)
	}
	defer f.Close()
	if c := map[string]macho.Cpu{"amd64": macho.CpuAmd64, "arm64": macho.CpuArm64}[arch]; c != f.Cpu {
		return "", fmt.Errorf("%s is built for %s, not for %s", path, f.Cpu, arch)
	}
	const idDylib, fixed = 0xd, 24
	for _, l := range f.Loads {
		raw := l.Raw()
		if len(raw) < fixed || binary.LittleEndian.Uint32(raw) != idDylib || !strings.Contains(string(raw[fixed:]), "libonnxruntime.") {
			continue
		}
		v := binary.LittleEndian.Uint32(raw[16:])
		return fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff), nil
	}
	return "", fmt.Errorf("%s is not ONNX Runtime: it has another name inside", path)
}

func recent(version string) bool {
	n := numbers(version)
	return n[0] > 1 || n[0] == 1 && n[1] >= oldest
}

func newer(a, b string) bool {
	x, y := numbers(a), numbers(b)
	for i := range x {
		if x[i] != y[i] {
			return x[i] > y[i]
		}
	}
	return false
}

// numbers reads a version's first three numbers; what is none counts as −1.
func numbers(version string) [3]int {
	out := [3]int{-1, -1, -1}
	for i, part := range strings.SplitN(version, ".", 3) {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		out[i] = n
	}
	return out
}
