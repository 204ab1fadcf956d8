package onnx

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

// The head of OrtApiBase, which ONNX Runtime promises never to change.
typedef struct {
	const void *(*get_api)(unsigned version);
	const char *(*get_version)(void);
} ort_api_base;

static const char *ort_version(void *get_base) {
	const ort_api_base *base = ((const ort_api_base *(*)(void))get_base)();
	return base ? base->get_version() : 0;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

// oldest is the first minor version of ONNX Runtime 1 that has the C API which
// onnxruntime_go is compiled against.
const oldest = 24

// Load loads the shared library, once a process, and returns its version. The
// version is asked for first: of a library that is too old, onnxruntime_go
// only learns that something failed, after a line on standard error.
func Load(path string) (version string, err error) {
	if version, err = libraryVersion(path); err != nil {
		return "", err
	}
	if !supported(version) {
		return "", fmt.Errorf("ONNX Runtime %s in %s is too old: 1.%d or newer is needed", version, path, oldest)
	}
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return "", fmt.Errorf("start ONNX Runtime %s of %s: %w", version, path, err)
	}
	return version, nil
}

func libraryVersion(path string) (string, error) {
	runtime.LockOSThread() // dlerror tells a thread of its own failures only
	defer runtime.UnlockOSThread()
	name, symbol := C.CString(path), C.CString("OrtGetApiBase")
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(symbol))
	handle := C.dlopen(name, C.RTLD_LAZY) // never closed: it is about to be used
	if handle == nil {
		return "", fmt.Errorf("load ONNX Runtime: %w", errors.New(C.GoString(C.dlerror())))
	}
	base := C.dlsym(handle, symbol)
	if base == nil {
		return "", fmt.Errorf("load ONNX Runtime: %s is not its library: it has no OrtGetApiBase", path)
	}
	version := C.ort_version(base)
	if version == nil {
		return "", fmt.Errorf("load ONNX Runtime: %s tells no version", path)
	}
	return C.GoString(version), nil
}

func supported(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return errA == nil && errB == nil && (a > 1 || a == 1 && b >= oldest)
}
