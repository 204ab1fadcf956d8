package audio

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench"
)

// head is a WAV's, with whatever a test has put wrong.
type head struct {
	code, channels, bits, rate int
	riff, data                 int // lengths; those of the samples when under 0
	chunks                     []byte
}

func plainHead(code, bits int) head {
	return head{code: code, channels: 1, bits: bits, rate: 16000, riff: -1, data: -1}
}

func (h head) file(samples []byte) []byte {
	order := binary.LittleEndian
	frame := h.channels * h.bits / 8
	if h.data < 0 {
		h.data = len(samples)
	}
	body := order.AppendUint32([]byte("WAVEfmt "), 16)
	body = order.AppendUint16(order.AppendUint16(body, uint16(h.code)), uint16(h.channels))
	body = order.AppendUint32(order.AppendUint32(body, uint32(h.rate)), uint32(h.rate*frame))
	body = order.AppendUint16(order.AppendUint16(body, uint16(frame)), uint16(h.bits))
	body = append(append(body, h.chunks...), "data"...)
	body = append(order.AppendUint32(body, uint32(h.data)), samples...)
	if h.riff < 0 {
		h.riff = len(body)
	}
	return append(order.AppendUint32([]byte("RIFF"), uint32(h.riff)), body...)
}

func minute() Limits { return Limits{Longest: time.Minute} }

func floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestReadWAVEncodings(t *testing.T) {
	doubles := binary.LittleEndian.AppendUint64(nil, math.Float64bits(-0.25))
	guid := "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
	extended := plainHead(pcm, 16).file([]byte{0, 0x40})
	extended = bytes.Replace(extended, []byte("fmt \x10"), []byte("fmt \x28"), 1)
	extended = bytes.Replace(extended, []byte("data"), []byte("\x16\x00\x10\x00\x04\x00\x00\x00\x01\x00"+guid+"data"), 1)
	copy(extended[20:], "\xfe\xff")
	extended[4] += 24
	for name, c := range map[string]struct {
		file []byte
		want []float32
	}{
		"8 bit":             {plainHead(pcm, 8).file([]byte{0, 128, 192, 255}), []float32{-1, 0, 0.5, 127.0 / 128}},
		"16 bit":            {plainHead(pcm, 16).file([]byte{0, 0x80, 0, 0, 0, 0x40, 0xff, 0x7f}), []float32{-1, 0, 0.5, 32767.0 / 32768}},
		"24 bit":            {plainHead(pcm, 24).file([]byte{0, 0, 0x80, 0, 0, 0x40, 1, 0, 0, 0xff, 0xff, 0xff}), []float32{-1, 0.5, 1.0 / (1 << 23), -1.0 / (1 << 23)}},
		"32 bit":            {plainHead(pcm, 32).file([]byte{0, 0, 0, 0x80, 0, 0, 0, 0x40}), []float32{-1, 0.5}},
		"float":             {plainHead(ieee, 32).file(floats(-0.25, 1.5)), []float32{-0.25, 1.5}},
		"double":            {plainHead(ieee, 64).file(doubles), []float32{-0.25}},
		"extended":          {extended, []float32{0.5}},
		"8 bit, no padding": {plainHead(pcm, 8).file([]byte{128}), []float32{0}},
		"other chunks":      {head{pcm, 1, 16, 16000, -1, -1, []byte("LIST\x03\x00\x00\x00abc\x00")}.file([]byte{0, 0x40}), []float32{0.5}},
		"a chunk behind":    {append(head{pcm, 1, 16, 16000, 36 + 2 + 8, 2, nil}.file([]byte{0, 0x40}), "id3 \x00\x00\x00\x00"...), []float32{0.5}},
	} {
		clip, err := ReadWAV(c.file, minute())
		require.NoError(t, err, name)
		require.Equal(t, Clip{Rate: 16000, Channels: 1, Samples: c.want}, clip, name)
	}
	stereo := head{pcm, 2, 16, 44100, -1, -1, nil}
	clip, err := ReadWAV(stereo.file([]byte{0, 0x40, 0, 0xc0, 0, 0x20, 0, 0x20}), minute())
	require.NoError(t, err)
	require.Equal(t, Clip{Rate: 44100, Channels: 2, Samples: []float32{0.5, -0.5, 0.25, 0.25}}, clip)
	require.Equal(t, Clip{Rate: 44100, Channels: 1, Samples: []float32{0, 0.25}}, clip.Mono())
}

func TestBadAudio(t *testing.T) {
	good := plainHead(pcm, 16).file(make([]byte, 3200))
	hour := head{pcm, 1, 8, 1, -1, -1, nil}.file(make([]byte, 3600))
	for name, c := range map[string]struct {
		file []byte
		kind error
		want string
	}{
		"empty":                       {nil, ErrEmpty, "0 bytes: no sound"},
		"half a head":                 {good[:30], ErrTruncated, "the head says 3236 bytes, 22 are there: cut short"},
		"a few bytes":                 {good[:3], ErrTruncated, "3 bytes, less than a head: cut short"},
		"truncated":                   {good[:1000], ErrTruncated, "the head says 3236 bytes, 992 are there: cut short"},
		"truncated, file's length so": {head{pcm, 1, 16, 16000, -1, 3200, nil}.file(make([]byte, 100)), ErrTruncated, "100 of 3200 bytes of samples: cut short"},
		"more behind than it says":    {append(bytes.Clone(good), 1, 2, 3), ErrHead, "the head says 3236 bytes, 3239 are there: a head that contradicts itself or the file"},
		"half a sample":               {plainHead(pcm, 16).file(make([]byte, 3)), ErrHead, "3 bytes of samples, 2 a frame: a head that contradicts itself or the file"},
		"wrong bytes a second":        {replaced(good, 28, 1), ErrHead, "2 bytes a frame and 32001 a second, of 1 channels of 16 bits at 16000 Hz: a head that contradicts itself or the file"},
		"open end not asked for":      {head{pcm, 1, 16, 16000, -1, openEnd, nil}.file(make([]byte, 100)), ErrTruncated, "100 of 4294967295 bytes of samples: cut short"},
		"no samples":                  {plainHead(pcm, 16).file(nil), ErrEmpty, "no samples behind the head: no sound"},
		"no chunk of samples":         {[]byte("RIFF\x04\x00\x00\x00WAVE"), ErrTruncated, "12 bytes without a chunk of samples: cut short"},
		"samples first":               {[]byte("RIFF\x0e\x00\x00\x00WAVEdata\x02\x00\x00\x00\x00\x00"), ErrHead, "samples before their format: a head that contradicts itself or the file"},
		"short format":                {[]byte("RIFF\x10\x00\x00\x00WAVEfmt \x04\x00\x00\x00\x01\x00\x01\x00"), ErrHead, "4 bytes of format, at least 16: a head that contradicts itself or the file"},
		"a long chunk":                {head{pcm, 1, 16, 16000, -1, -1, []byte("LIST\xff\x00\x00\x00")}.file([]byte{0, 0}), ErrTruncated, `chunk "LIST" has 10 of 255 bytes: cut short`},
		"MP3 with a tag":              {[]byte("ID3\x04\x00\x00\x00\x00\x00\x00"), ErrMP3, "MP3, not WAV\nconvert it to WAV"},
		"MP3":                         {[]byte{0xff, 0xfb, 0x90, 0x64, 0, 0}, ErrMP3, "MP3, not WAV\nconvert it to WAV"},
		"MP3 in WAV":                  {plainHead(0x55, 16).file([]byte{0, 0}), ErrFormat, "MP3 in WAV of 16 bits: another format than is read\nread are PCM of 8, 16, 24 and 32 bits, and float of 32 and 64"},
		"µ-law":                       {plainHead(7, 8).file([]byte{0, 0}), ErrFormat, "µ-law of 8 bits: another format than is read\nread are PCM of 8, 16, 24 and 32 bits, and float of 32 and 64"},
		"12 bits":                     {plainHead(pcm, 12).file([]byte{0, 0}), ErrFormat, "PCM of 12 bits: another format than is read\nread are PCM of 8, 16, 24 and 32 bits, and float of 32 and 64"},
		"six channels":                {head{pcm, 6, 16, 16000, -1, -1, nil}.file(make([]byte, 12)), ErrFormat, "6 channels: another format than is read\nread are mono and stereo"},
		"no rate":                     {head{pcm, 1, 16, 0, -1, -1, nil}.file(make([]byte, 12)), ErrFormat, "0 Hz: another format than is read\nread are 1 to 384000 Hz"},
		"FLAC":                        {[]byte("fLaC\x00\x00\x00\x22"), ErrNotAudio, "it is FLAC: not WAV\nconvert it to WAV"},
		"text":                        {[]byte("{\"error\": \"no\"}"), ErrNotAudio, "it begins with \"{\\\"error\\\": \\\"n\": not WAV"},
		"AVI":                         {[]byte("RIFF\x04\x00\x00\x00AVI "), ErrNotAudio, `it begins with "RIFF\x04\x00\x00\x00AVI ": not WAV`},
		"text in UTF-16":              {[]byte("\xff\xfeh\x00i\x00"), ErrNotAudio, `it begins with "\xff\xfeh\x00i\x00": not WAV`},
		"an hour":                     {hour, ErrTooLong, "3600.0 s, at most 60.0 s: too long"},
		"NaN":                         {plainHead(ieee, 32).file(floats(0, float32(math.NaN()))), ErrSample, "sample 1 is NaN: a sample that is no number from −1 to 1"},
		"infinite":                    {plainHead(ieee, 32).file(floats(float32(math.Inf(-1)))), ErrSample, "sample 0 is -Inf: a sample that is no number from −1 to 1"},
	} {
		_, err := ReadWAV(c.file, minute())
		require.EqualError(t, err, "read WAV: "+c.want, name)
		require.ErrorIs(t, err, c.kind, name)
	}
}

func replaced(file []byte, at int, by byte) []byte {
	out := bytes.Clone(file)
	out[at] = by
	return out
}

// A server that sends sound as it makes it cannot know how much that will be.
func TestOpenEndedWAV(t *testing.T) {
	limits := minute()
	limits.OpenEnded = true
	for _, length := range []int{0, openEnd, openEnd - headLength + 8} {
		clip, err := ReadWAV(head{pcm, 1, 16, 16000, length, length, nil}.file([]byte{0, 0x40, 0, 0x20, 7}), limits)
		require.NoError(t, err)
		require.Equal(t, []float32{0.5, 0.25}, clip.Samples, "to the last whole sample")
	}
	_, err := ReadWAV(head{pcm, 1, 16, 16000, openEnd, openEnd, nil}.file(nil), limits)
	require.ErrorIs(t, err, ErrEmpty)
	_, err = ReadWAV(head{pcm, 1, 16, 16000, openEnd, 10, nil}.file([]byte{0, 0}), limits)
	require.ErrorIs(t, err, ErrTruncated, "a length that was known")
}

// clips are the committed ones.
func clips(t testing.TB) []Clip {
	t.Helper()
	data, err := fs.ReadFile(stackbench.Testdata(), "audio/manifest.json")
	require.NoError(t, err)
	var rows []struct {
		File          string
		Rate, Samples int
	}
	require.NoError(t, json.Unmarshal(data, &rows))
	var all []Clip
	for _, row := range rows {
		file, err := fs.ReadFile(stackbench.Testdata(), "audio/"+row.File)
		require.NoError(t, err)
		clip, err := ReadWAV(file, minute())
		require.NoError(t, err)
		require.NoError(t, clip.Expect(row.Rate, 1))
		require.Equal(t, row.Samples, clip.Length())
		again, err := WriteWAV(clip)
		require.NoError(t, err)
		require.True(t, bytes.Equal(file, again), "%s is written as it was read", row.File)
		all = append(all, clip)
	}
	return all
}

func TestCommittedClips(t *testing.T) {
	var total time.Duration
	for _, c := range clips(t) {
		total += c.Duration()
		l := Measure(c)
		require.False(t, l.Silent())
		require.Zero(t, l.Clipped)
	}
	require.Equal(t, 24730*time.Millisecond, total)
}

func TestWriteWAV(t *testing.T) {
	file, err := WriteWAV(Clip{Rate: 8000, Channels: 2, Samples: []float32{-1, 1, 0.5, 0.00001}})
	require.NoError(t, err)
	require.Equal(t, head{pcm, 2, 16, 8000, -1, -1, nil}.file([]byte{0, 0x80, 0xff, 0x7f, 0, 0x40, 0, 0}), file)
	for name, c := range map[string]struct {
		clip Clip
		kind error
	}{
		"too loud":       {Clip{8000, 1, []float32{0, 1.01}}, ErrSample},
		"NaN":            {Clip{8000, 1, []float32{float32(math.NaN())}}, ErrSample},
		"no rate":        {Clip{0, 1, []float32{0}}, ErrFormat},
		"no channels":    {Clip{8000, 0, nil}, ErrFormat},
		"half a moment":  {Clip{8000, 2, []float32{0}}, ErrFormat},
		"three channels": {Clip{8000, 3, []float32{0, 0, 0}}, ErrFormat},
	} {
		_, err := WriteWAV(c.clip)
		require.ErrorIs(t, err, c.kind, name)
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add([]byte("ID3\x04"), true)
	for _, h := range []head{plainHead(pcm, 8), plainHead(pcm, 24), plainHead(ieee, 32), {pcm, 2, 16, 44100, openEnd, openEnd, []byte("LIST\x03\x00\x00\x00abc\x00")}} {
		f.Add(h.file([]byte{1, 2, 3, 0x40, 5, 6, 7, 0xc0, 9, 10, 11, 12}), h.channels == 2)
	}
	f.Fuzz(func(t *testing.T, file []byte, open bool) {
		limits := Limits{Longest: time.Second, OpenEnded: open}
		clip, err := ReadWAV(file, limits)
		if err != nil {
			require.Equal(t, Clip{}, clip)
			return
		}
		require.Positive(t, clip.Length())
		require.LessOrEqual(t, clip.Duration(), limits.Longest)
		require.LessOrEqual(t, len(clip.Samples), len(file))
		require.Zero(t, len(clip.Samples)%clip.Channels)
		Measure(clip)
		again, err := WriteWAV(clip)
		if err != nil {
			require.ErrorIs(t, err, ErrSample) // a float beyond −1 to 1
			return
		}
		back, err := ReadWAV(again, limits)
		require.NoError(t, err)
		d, err := Compare(clip, back)
		require.NoError(t, err)
		require.True(t, d.Within(1.0/(1<<15)), d)
	})
}
