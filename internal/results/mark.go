package results

import (
	"fmt"
	"strings"
)

// invalidMark begins the comment that stands before the line of a result that
// must not be believed.
const invalidMark = "# invalid "

// InvalidMark is that comment, one line without its end.
func InvalidMark(name, why string) string {
	return fmt.Sprintf("%s%s: %s", invalidMark, name, why)
}

// marked are the lines of results behind a mark of their name, by number from
// 1, and why they are invalid.
func marked(text []byte) map[int]string {
	lines, open := map[int]string{}, map[string]string{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, invalidMark); ok {
			name, why, _ := strings.Cut(rest, ": ")
			open[name] = why
			continue
		}
		if len(open) == 0 || !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		fields := strings.Fields(line)
		name := TrimProcs(strings.TrimPrefix(fields[0], "Benchmark"))
		if why, ok := open[name]; ok && len(fields) > 3 {
			lines[number] = why
			delete(open, name)
		}
	}
	return lines
}

// marked is the trial's result line behind its mark, where it needs one.
func (t Trial) marked(line string) string {
	if len(t.Invalid) == 0 {
		return line
	}
	why := strings.ReplaceAll(strings.Join(Texts(t.Invalid), "; "), "\n", " ")
	return InvalidMark(t.Name, why) + "\n" + line
}
