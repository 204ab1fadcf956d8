package cpuset

import (
	"os"
	"path/filepath"
	"strconv"
)

// Siblings lists the processors of the physical core that holds one; nil where
// the kernel does not tell.
func Siblings(processor int) Set { return siblingsAt("/", processor) }

func siblingsAt(root string, processor int) Set {
	b, err := os.ReadFile(filepath.Join(root, "sys/devices/system/cpu/cpu"+strconv.Itoa(processor), "topology/thread_siblings_list"))
	if err != nil {
		return nil
	}
	s, err := Parse(string(b))
	if err != nil {
		return nil
	}
	return s
}
