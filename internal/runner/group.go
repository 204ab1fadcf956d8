package runner

import (
	"fmt"
	"slices"
	"strings"
)

// Group is a folder of benchmarks, as people name it.
type Group struct {
	Name    string // image_classification
	Package string // import path of the benchmark
}

// Groups lists every group, in the order in which they run.
func Groups() []Group {
	return []Group{
		{Name: "image_classification", Package: "stackbench/groups/imageclassification"},
		{Name: "text_generation", Package: "stackbench/groups/textgeneration"},
		{Name: "embeddings", Package: "stackbench/groups/embeddings"},
		{Name: "batch_serving", Package: "stackbench/groups/batchserving"},
	}
}

// ParseGroups resolves a comma-separated list of group names; "all" and ""
// mean every group. The error names the known ones.
func ParseGroups(list string) ([]Group, error) {
	all := Groups()
	if list == "" || list == "all" {
		return all, nil
	}
	var chosen []Group
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(g Group) bool { return g.Name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("unknown group %q\nknown groups: %s, all", name, strings.Join(names(all), ", "))
		}
		if !slices.Contains(chosen, all[i]) {
			chosen = append(chosen, all[i])
		}
	}
	return chosen, nil
}

func names(groups []Group) []string {
	var out []string
	for _, g := range groups {
		out = append(out, g.Name)
	}
	return out
}

// binary is the file name of the group's compiled benchmark.
func (g Group) binary() string {
	return g.Package[strings.LastIndexByte(g.Package, '/')+1:] + ".test"
}
