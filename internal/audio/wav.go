package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// The kinds of bad audio, for errors.Is.
var (
	ErrEmpty     = errors.New("no sound")
	ErrTruncated = errors.New("cut short")
	ErrHead      = errors.New("a head that contradicts itself or the file")
	ErrNotAudio  = errors.New("not WAV")
	ErrMP3       = errors.New("MP3, not WAV")
	ErrTooLong   = errors.New("too long")
	ErrFormat    = errors.New("another format than is read")
	ErrSample    = errors.New("a sample that is no number from −1 to 1")
)

const (
	pcm        = 1
	ieee       = 3
	extensible = 0xFFFE
	maxRate    = 384_000
	openEnd    = math.MaxUint32 // what who streams writes for a length that it does not know yet
)

// Limits are on what is read.
type Limits struct {
	Longest time.Duration
	// OpenEnded takes a length of 0 or of all ones for "to the end", as servers
	// write that send a head before they know it.
	OpenEnded bool
}

// format is a WAV's, from its chunk "fmt ".
type format struct {
	code, channels, bits int
	rate                 int
}

func (f format) frame() int { return f.channels * f.bits / 8 }

// ReadWAV reads a whole WAV file: 8, 16, 24 or 32-bit PCM, 32 or 64-bit float,
// mono or stereo, at any rate.
func ReadWAV(file []byte, limits Limits) (Clip, error) {
	clip, err := read(file, limits)
	if err != nil {
		return Clip{}, fmt.Errorf("read WAV: %w", err)
	}
	return clip, nil
}

func read(file []byte, limits Limits) (Clip, error) {
	if err := recognise(file); err != nil {
		return Clip{}, err
	}
	if err := riffLength(file, limits); err != nil {
		return Clip{}, err
	}
	var f format
	for rest := file[12:]; ; {
		if len(rest) < 8 {
			return Clip{}, fmt.Errorf("%d bytes without a chunk of samples: %w", len(file), ErrTruncated)
		}
		name, body := string(rest[:4]), rest[8:]
		size := int64(binary.LittleEndian.Uint32(rest[4:]))
		if name == "data" {
			if f == (format{}) {
				return Clip{}, fmt.Errorf("samples before their format: %w", ErrHead)
			}
			return samples(f, body, size, limits)
		}
		if size > int64(len(body)) {
			return Clip{}, fmt.Errorf("chunk %q has %d of %d bytes: %w", name, len(body), size, ErrTruncated)
		}
		if name == "fmt " {
			var err error
			if f, err = parseFormat(body[:size]); err != nil {
				return Clip{}, err
			}
		}
		rest = body[min(size+size%2, int64(len(body))):] // chunks begin at even bytes
	}
}

// recognise tells WAV from what is often sent in its place.
func recognise(file []byte) error {
	if len(file) == 0 {
		return fmt.Errorf("0 bytes: %w", ErrEmpty)
	}
	for _, other := range []struct{ head, name string }{
		{"fLaC", "FLAC"}, {"OggS", "Ogg"}, {"RF64", "RF64, for files over 4 GB"}, {"RIFX", "big-endian RIFX"}, {"FORM", "AIFF"}, {"\x1aE\xdf\xa3", "WebM or Matroska"},
	} {
		if bytes.HasPrefix(file, []byte(other.head)) {
			return fmt.Errorf("it is %s: %w\nconvert it to WAV", other.name, ErrNotAudio)
		}
	}
	mpeg := len(file) > 1 && file[0] == 0xff && file[1]&0xe6 == 0xe2 // a frame's sync, and layer III
	switch {
	case mpeg || bytes.HasPrefix(file, []byte("ID3")):
		return fmt.Errorf("%w\nconvert it to WAV", ErrMP3)
	case len(file) < 12 && (bytes.HasPrefix(file, []byte("RIFF")) || bytes.HasPrefix([]byte("RIFF"), file)):
		return fmt.Errorf("%d bytes, less than a head: %w", len(file), ErrTruncated)
	case len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE":
		return fmt.Errorf("it begins with %q: %w", file[:min(12, len(file))], ErrNotAudio)
	}
	return nil
}

func riffLength(file []byte, limits Limits) error {
	says, has := int64(binary.LittleEndian.Uint32(file[4:])), int64(len(file)-8)
	switch {
	case limits.OpenEnded && open(says):
		return nil
	case says > has+1: // some writers leave out the last chunk's padding
		return fmt.Errorf("the head says %d bytes, %d are there: %w", says, has, ErrTruncated)
	case says < has-1: // and others do not count it
		return fmt.Errorf("the head says %d bytes, %d are there: %w", says, has, ErrHead)
	}
	return nil
}

// open says whether a length was written before it was known. Some count the
// head's bytes in.
func open(size int64) bool { return size == 0 || size >= openEnd-64 }

func parseFormat(chunk []byte) (format, error) {
	if len(chunk) < 16 {
		return format{}, fmt.Errorf("%d bytes of format, at least 16: %w", len(chunk), ErrHead)
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(chunk[at:])) }
	double := func(at int) int64 { return int64(binary.LittleEndian.Uint32(chunk[at:])) }
	f := format{code: word(0), channels: word(2), rate: int(double(4)), bits: word(14)}
	if f.code == extensible {
		if len(chunk) < 40 || string(chunk[26:40]) != "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71" {
			return format{}, fmt.Errorf("an extension that is not Microsoft's: %w", ErrFormat)
		}
		f.code = word(24)
	}
	switch {
	case !readable(f.code, f.bits):
		return format{}, fmt.Errorf("%s of %d bits: %w\nread are PCM of 8, 16, 24 and 32 bits, and float of 32 and 64", encoding(f.code), f.bits, ErrFormat)
	case f.channels != 1 && f.channels != 2:
		return format{}, fmt.Errorf("%d channels: %w\nread are mono and stereo", f.channels, ErrFormat)
	case f.rate < 1 || f.rate > maxRate:
		return format{}, fmt.Errorf("%d Hz: %w\nread are 1 to %d Hz", f.rate, ErrFormat, maxRate)
	case word(12) != f.frame() || double(8) != int64(f.rate)*int64(f.frame()):
		return format{}, fmt.Errorf("%d bytes a frame and %d a second, of %d channels of %d bits at %d Hz: %w", word(12), double(8), f.channels, f.bits, f.rate, ErrHead)
	}
	return f, nil
}

func readable(code, bits int) bool {
	if code == ieee {
		return bits == 32 || bits == 64
	}
	return code == pcm && (bits == 8 || bits == 16 || bits == 24 || bits == 32)
}

func encoding(code int) string {
	switch code {
	case pcm:
		return "PCM"
	case ieee:
		return "float"
	case 2, 0x11:
		return "ADPCM"
	case 6:
		return "A-law"
	case 7:
		return "µ-law"
	case 0x55:
		return "MP3 in WAV"
	}
	return fmt.Sprintf("encoding %#x", code)
}

// samples decodes the chunk of samples.
func samples(f format, body []byte, size int64, limits Limits) (Clip, error) {
	if limits.OpenEnded && open(size) {
		size = int64(len(body) - len(body)%f.frame())
	}
	switch {
	case size > int64(len(body)):
		return Clip{}, fmt.Errorf("%d of %d bytes of samples: %w", len(body), size, ErrTruncated)
	case size == 0:
		return Clip{}, fmt.Errorf("no samples behind the head: %w", ErrEmpty)
	case size%int64(f.frame()) != 0:
		return Clip{}, fmt.Errorf("%d bytes of samples, %d a frame: %w", size, f.frame(), ErrHead)
	}
	seconds := float64(size) / float64(f.frame()) / float64(f.rate)
	if seconds > limits.Longest.Seconds() {
		return Clip{}, fmt.Errorf("%.1f s, at most %.1f s: %w", seconds, limits.Longest.Seconds(), ErrTooLong)
	}
	clip := Clip{Rate: f.rate, Channels: f.channels, Samples: make([]float32, 0, int(size)*8/f.bits)}
	for step := f.bits / 8; size > 0; size -= int64(step) {
		v := f.sample(body)
		if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > math.MaxFloat32 {
			return Clip{}, fmt.Errorf("sample %d is %v: %w", len(clip.Samples), v, ErrSample)
		}
		clip.Samples = append(clip.Samples, float32(v))
		body = body[step:]
	}
	return clip, nil
}

// sample is the first of the body, from −1 to 1; a float may lie beyond.
func (f format) sample(body []byte) float64 {
	switch {
	case f.code == ieee && f.bits == 64:
		return math.Float64frombits(binary.LittleEndian.Uint64(body))
	case f.code == ieee:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(body)))
	case f.bits == 8: // the only ones without a sign
		return (float64(body[0]) - 128) / 128
	case f.bits == 16:
		return float64(int16(binary.LittleEndian.Uint16(body))) / (1 << 15)
	case f.bits == 24:
		return float64(int32(uint32(body[0])<<8|uint32(body[1])<<16|uint32(body[2])<<24)>>8) / (1 << 23)
	}
	return float64(int32(binary.LittleEndian.Uint32(body))) / (1 << 31)
}

const headLength = 44

// WriteWAV writes 16-bit PCM. A sample beyond −1 to 1 is an error: to cut it off
// would be another sound.
func WriteWAV(c Clip) ([]byte, error) {
	if c.Rate < 1 || c.Rate > maxRate || c.Channels != 1 && c.Channels != 2 || len(c.Samples)%c.Channels != 0 {
		return nil, fmt.Errorf("write WAV: %d samples in %d channels at %d Hz: %w", len(c.Samples), c.Channels, c.Rate, ErrFormat)
	}
	size := 2 * len(c.Samples)
	if size > math.MaxUint32-headLength {
		return nil, fmt.Errorf("write WAV: %d bytes do not fit its head: %w", size, ErrTooLong)
	}
	out := make([]byte, 0, headLength+size)
	order := binary.LittleEndian
	out = order.AppendUint32(append(out, "RIFF"...), uint32(headLength-8+size))
	out = order.AppendUint32(append(out, "WAVEfmt "...), 16)
	out = order.AppendUint16(order.AppendUint16(out, pcm), uint16(c.Channels))
	out = order.AppendUint32(order.AppendUint32(out, uint32(c.Rate)), uint32(c.Rate*c.Channels*2))
	out = order.AppendUint16(order.AppendUint16(out, uint16(c.Channels*2)), 16)
	out = order.AppendUint32(append(out, "data"...), uint32(size))
	for i, v := range c.Samples {
		if !(v >= -1 && v <= 1) { // NaN is neither
			return nil, fmt.Errorf("write WAV: sample %d is %v: %w", i, v, ErrSample)
		}
		out = order.AppendUint16(out, uint16(int16(min(math.Round(float64(v)*(1<<15)), math.MaxInt16))))
	}
	return out, nil
}
