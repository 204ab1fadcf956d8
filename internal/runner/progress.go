package runner

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"stackbench/internal/plan"
	"stackbench/internal/unit"
)

// Progress prints one line a finished window, with the time that is left.
type Progress struct {
	w       io.Writer
	now     func() time.Time
	total   int
	done    int
	left    float64 // expected seconds of the jobs that have not ended
	planned float64 // expected seconds of the windows that have
	start   time.Time
	open    map[string]float64 // expected seconds of the running job's windows that have not ended

	Terminal bool       // a line may be written over: how the window under way goes
	mu       sync.Mutex // windows end and go on in two goroutines
	passing  bool       // such a line stands there
}

// Live writes how the window under way goes, over the line before. It says
// nothing where lines cannot be written over.
func (p *Progress) Live(_ Job, now plan.Live) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.Terminal || now.Answers == 0 {
		return
	}
	p.passing = true
	fmt.Fprintf(p.w, "\r\x1b[K        %s  so far p50 %.3g ms, p99 %.3g ms of %d", axes(now.Name), now.P50MS, now.P99MS, now.Answers)
}

// wipe takes a passing line away.
func (p *Progress) wipe() {
	if p.passing {
		p.passing = false
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// NewProgress prints to w about the jobs; now is the clock.
func NewProgress(w io.Writer, jobs []Job, now func() time.Time) *Progress {
	p := &Progress{w: w, now: now, start: now()}
	for _, j := range jobs {
		p.total += len(j.Leaves)
		p.left += j.Seconds()
	}
	return p
}

// Window prints the line of a finished window: the axes that a reader chose,
// two figures and the time left.
func (p *Progress) Window(j Job, l Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.done++
	p.begin(j)
	p.end(l.Name)
	width := len(fmt.Sprint(p.total))
	fmt.Fprintf(p.w, "[%*d/%d] %s  %s  %s   %s   %s left\n", width, p.done, p.total, j.Group.Name, j.who(), axes(l.Name), figures(l), p.timeLeft())
}

func (p *Progress) begin(j Job) {
	if p.open != nil {
		return
	}
	p.open = map[string]float64{}
	for _, leaf := range j.Leaves {
		p.open[leaf.Name] = leaf.Seconds + leaf.Start
	}
}

func (p *Progress) end(name string) {
	p.left -= p.open[name]
	p.planned += p.open[name]
	delete(p.open, name)
}

// Job notes that a process ended, and says so when it failed. Windows that it
// did not measure are over, too.
func (p *Progress) Job(j Job, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.begin(j)
	p.done += len(p.open)
	for name := range p.open {
		p.end(name)
	}
	p.open = nil
	if err == nil {
		return
	}
	fmt.Fprintf(p.w, "failed  %s on %s, trial %d: %v\n", j.Group.Name, j.who(), j.Trial, err)
}

// timeLeft scales what is still expected by how the finished part compared
// with its expectation.
func (p *Progress) timeLeft() string {
	pace := 1.0
	if p.planned > 0 {
		pace = p.now().Sub(p.start).Seconds() / p.planned
	}
	left := time.Duration(max(0, p.left) * pace * float64(time.Second))
	return Clock(left)
}

// Clock writes a duration as minutes and seconds, 1:48, or with hours, 2:01:48.
func Clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// axes are the parts of a name after the stack, values alone where they speak
// for themselves.
func axes(name string) string {
	var out []string
	for part := range strings.SplitSeq(name, "/") {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case !ok, key == "stack", key == "load":
		case key == "proto", key == "input", key == "model":
			out = append(out, value)
		default:
			out = append(out, part)
		}
	}
	return strings.Join(out, " ")
}

// figures are the first two of the line that say most of a window.
func figures(l Line) string {
	var out []string
	for _, u := range unit.Glances() {
		if v, ok := l.Values[string(u)]; ok {
			text := u.Short() + " " + v
			if u.Short() != string(u) {
				text += " ms"
			}
			out = append(out, text)
		}
		if len(out) == 2 {
			break
		}
	}
	return strings.Join(out, "   ")
}
