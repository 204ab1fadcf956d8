package hist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"stackbench/internal/record"
)

// Window is a measured window.
type Window struct {
	Records []record.Record
	Length  time.Duration
}

// interval is what a line of a log is about.
const interval = time.Second

// Log is the windows in HdrHistogram's log format, version 1.3: a line a second
// and tag, by the second in which its requests were due. Windows follow each
// other without the time between them. Only good answers have times; how many
// requests had none is in a comment.
func Log(started time.Time, windows []Window) ([]byte, error) {
	var b bytes.Buffer
	w := hdrhistogram.NewHistogramLogWriter(&b)
	begin := started.Truncate(time.Second).UnixMilli()
	without := 0
	for _, win := range windows {
		for _, r := range win.Records {
			if r.Outcome != record.Good {
				without++
			}
		}
	}
	err := errors.Join(
		w.OutputComment("[Times of good answers in ns, by the second in which they were due, from the opening of the window]"),
		w.OutputComment(fmt.Sprintf("[Requests without a good answer, which have no time here: %d]", without)),
		w.OutputLogFormatVersion(), w.OutputStartTime(begin), w.OutputBaseTime(begin), w.OutputLegend())
	w.SetBaseTime(begin)
	at := begin
	for _, win := range windows {
		for from := time.Duration(0); from < win.Length; from += interval {
			to := min(from+interval, win.Length)
			err = errors.Join(err, second(w, win.Records, from, to, at))
		}
		at += win.Length.Milliseconds()
	}
	if err != nil {
		return nil, fmt.Errorf("write the histograms: %w", err)
	}
	return b.Bytes(), nil
}

// second writes what was due in [from, to) of the window that opened at.
func second(w *hdrhistogram.HistogramLogWriter, records []record.Record, from, to time.Duration, opened int64) error {
	response, service := New(), New()
	for _, r := range records {
		if r.Outcome != record.Good || r.Intended < from || r.Intended >= to {
			continue
		}
		response.Record(r.Last - r.Intended)
		service.Record(r.Last - r.Sent)
	}
	if response.Count() == 0 {
		return nil
	}
	for _, x := range []struct {
		tag string
		d   *Distribution
	}{{Response, response}, {Service, service}} {
		x.d.h.SetTag(x.tag)
		x.d.h.SetStartTimeMs(opened + from.Milliseconds())
		x.d.h.SetEndTimeMs(opened + to.Milliseconds())
		if err := w.OutputIntervalHistogram(x.d.h); err != nil {
			return err
		}
	}
	return nil
}

// mostBytes of a log are read: a day of intervals, and more.
const mostBytes = 64 << 20

// Read adds up the distributions of a log by tag.
func Read(r io.Reader) (map[string]*Distribution, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read histograms: %w", err)
	}
	if len(text) > mostBytes {
		return nil, fmt.Errorf("read histograms: more than %d MB\nthis is no log of a run", mostBytes>>20)
	}
	log := hdrhistogram.NewHistogramLogReader(bytes.NewReader(text))
	out := map[string]*Distribution{}
	for {
		h, err := log.NextIntervalHistogram()
		if err != nil {
			return nil, fmt.Errorf("read histograms: %w", err)
		}
		if h == nil {
			return out, nil
		}
		if h.LowestTrackableValue() != lowest || h.SignificantFigures() != digits || h.HighestTrackableValue() != highest {
			return nil, errors.New("read histograms: one has another range or other digits than this program writes")
		}
		d := out[h.Tag()]
		if d == nil {
			d = New()
			out[h.Tag()] = d
		}
		d.Add(&Distribution{h})
	}
}
