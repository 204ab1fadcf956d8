package audio

import (
	"math"
	"time"
)

const (
	frame = 20 * time.Millisecond // whose loudness is told
	// quiet is the RMS of a frame in which nothing is said, −60 dB of full scale:
	// rooms without a voice are around −50 in readings, voices around −25.
	quiet = 1e-3
	// full is where 16 bits end, on either side.
	full = 1 - 1.5/(1<<15)
	// flat is how many samples in a row at full scale make clipping: a wave that
	// just touches it has one or two.
	flat = 3
)

// Level is how loud a clip is.
type Level struct {
	Peak    float64       // the largest number, of either sign
	RMS     float64       // of the whole clip
	Quiet   float64       // the share of 20 ms frames under −60 dB
	Longest time.Duration // the longest silence
	Clipped int           // samples in runs of three and more at full scale
}

// Silent says that nothing is heard anywhere.
func (l Level) Silent() bool { return l.Quiet == 1 }

// Measure tells how loud a clip is. One without samples is silent. A wave that
// was cut off below full scale is not told from one that was not.
func Measure(c Clip) Level {
	var l Level
	var sum float64
	for _, v := range c.Samples {
		l.Peak = max(l.Peak, math.Abs(float64(v)))
		sum += float64(v) * float64(v)
	}
	if len(c.Samples) == 0 {
		return Level{Quiet: 1}
	}
	l.RMS = math.Sqrt(sum / float64(len(c.Samples)))
	l.Quiet, l.Longest = silence(c)
	for channel := range c.Channels {
		l.Clipped += clipped(c, channel)
	}
	return l
}

// silence is the share of quiet frames, and the longest row of them.
func silence(c Clip) (share float64, longest time.Duration) {
	step := max(1, c.moments(frame)) * c.Channels
	frames, silent, row := 0, 0, 0
	for at := 0; at < len(c.Samples); at += step {
		samples := c.Samples[at:min(at+step, len(c.Samples))]
		var sum float64
		for _, v := range samples {
			sum += float64(v) * float64(v)
		}
		frames++
		if math.Sqrt(sum/float64(len(samples))) >= quiet {
			row = 0
			continue
		}
		silent++
		row += len(samples)
		longest = max(longest, Clip{Rate: c.Rate, Channels: c.Channels, Samples: c.Samples[:row]}.Duration())
	}
	return float64(silent) / float64(frames), longest
}

// clipped counts the samples of a channel in flat runs at full scale.
func clipped(c Clip, channel int) int {
	total, run, side := 0, 0, false
	end := func() {
		if run >= flat {
			total += run
		}
		run = 0
	}
	for i := channel; i < len(c.Samples); i += c.Channels {
		v := float64(c.Samples[i])
		if math.Abs(v) < full {
			end()
			continue
		}
		if run > 0 && side != (v > 0) {
			end()
		}
		side = v > 0
		run++
	}
	end()
	return total
}
