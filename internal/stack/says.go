package stack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Version says where a server tells what computes in it. The zero value: nowhere.
type Version struct {
	Path string // of a JSON page of the REST port
	Text string // the words, with {field} for a field of the page and a dot between levels: "vllm {version}"
}

var placeholder = regexp.MustCompile(`{([a-z0-9_.-]+)}`)

// Read fills in the words from the page; "" where it lacks a field.
func (v Version) Read(page []byte) string {
	var root any
	if json.Unmarshal(page, &root) != nil {
		return ""
	}
	missing := false
	text := placeholder.ReplaceAllStringFunc(v.Text, func(name string) string {
		found := fields(root, strings.Trim(name, "{}"))
		if len(found) != 1 || found[0] == "" {
			missing = true
			return ""
		}
		return found[0]
	})
	if missing {
		return ""
	}
	return text
}

// Ready says where a server that takes requests before it can answer them tells
// that it can. The zero value: a right answer is all there is.
type Ready struct {
	Path  string // of a JSON page of the REST port, with {model} for the model's name
	Field string // that says so, in any one of the lists on its way: workers.status
	Value string
	What  string // is not ready when no field has the value: "its worker"
}

// At is the page's path for a model.
func (r Ready) At(model string) string {
	return strings.ReplaceAll(r.Path, "{model}", url.PathEscape(model))
}

// Read returns nil when the page says that the server is ready.
func (r Ready) Read(page []byte) error {
	var root any
	if err := json.Unmarshal(page, &root); err != nil {
		return fmt.Errorf("the answer is not JSON (it begins with %.60q): %w", page, err)
	}
	found := fields(root, r.Field)
	switch {
	case slices.Contains(found, r.Value):
		return nil
	case len(found) == 0:
		return fmt.Errorf("%s is not ready (status none)", r.What)
	}
	return fmt.Errorf("%s is not ready (status %.40s)", r.What, found[len(found)-1])
}

// fields are the strings and numbers of that name in a JSON value; of a list,
// those of each of its members.
func fields(value any, name string) []string {
	switch v := value.(type) {
	case []any:
		var all []string
		for _, member := range v {
			all = append(all, fields(member, name)...)
		}
		return all
	case map[string]any:
		if name == "" {
			return nil
		}
		first, rest, _ := strings.Cut(name, ".")
		return fields(v[first], rest)
	case string:
		if name == "" {
			return []string{v}
		}
	case float64:
		if name == "" {
			return []string{fmt.Sprint(v)}
		}
	}
	return nil
}

// Need is what a process loads that is not a part of its program.
type Need string

// ONNXRuntime is its shared library, found or fetched, and told as Run.Library.
const ONNXRuntime Need = "onnxruntime"
