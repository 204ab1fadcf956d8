package results

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unicode/utf8"
)

// Results are read that somebody else may have written: sent, downloaded, or
// spoilt. What is larger than these is no run of this program; a run of a
// night has a tenth of it.
const (
	mostEnv    = 16 << 20
	mostBench  = 256 << 20
	mostTrials = 4 << 30
	mostLine   = 64 << 20 // of trials.jsonl; the raw times of a window of a day
)

// openRegular opens a file of at most so many bytes. A pipe or a device would
// be waited for, or read, for ever.
func openRegular(path string, most int64) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is no regular file", path)
	case info.Size() > most:
		err = fmt.Errorf("%s has %d MB; the limit is %d", path, info.Size()>>20, most>>20)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// readRegular reads such a file. One that grows meanwhile is read no further
// than the limit.
func readRegular(path string, most int64) ([]byte, error) {
	f, err := openRegular(path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, path, most)
}

func readAll(from io.Reader, name string, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s does not end: the limit is %d MB", name, most>>20)
	}
	return text, err
}

// line is the next one, without its end; ended is false where the file ends
// within it.
func line(r *bufio.Reader) (text []byte, ended bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text[:len(text)-1], true, nil
		case len(text) > mostLine:
			return nil, false, fmt.Errorf("it is longer than %d MB", mostLine>>20)
		case errors.Is(err, io.EOF):
			return text, false, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}

// commands reports whether a terminal would take the character for a command
// (escape sequences, a return to the line's beginning), or draw what follows
// it in another order. A line feed and a tab do neither.
func commands(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ', r >= 0x7f && r <= 0x9f:
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // of writing from right to left
		return true
	}
	return false
}

// refuseCommands fails on a text that a terminal must not be shown: names in
// it are printed, by us and by benchstat. Lines may end as Windows ends them.
func refuseCommands(text []byte, name string) error {
	for n := 1; len(text) > 0; n++ {
		var one []byte
		one, text, _ = bytes.Cut(text, []byte("\n"))
		one = bytes.TrimSuffix(one, []byte("\r"))
		for len(one) > 0 {
			r, size := utf8.DecodeRune(one)
			if commands(r) {
				return fmt.Errorf("%s: line %d has the control character %U, which a terminal would take for a command\nremove it, if you trust where the file comes from", name, n, r)
			}
			one = one[size:]
		}
	}
	return nil
}

// plain makes a JSON text say in letters, \u001b, what a terminal would take
// for commands once its strings are printed. What was printable stays.
func plain(text []byte) []byte {
	if !bytes.ContainsAny(text, "\\\u007f") && isPlain(text) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for i := 0; i < len(text); {
		if text[i] == '\\' && i+1 < len(text) {
			end := min(i+2, len(text))
			if text[i+1] == 'u' {
				end = min(i+6, len(text))
			}
			if escapesCommand(text[i:end]) {
				out = append(out, '\\')
			} // a second backslash: the escape becomes its own letters
			out = append(out, text[i:end]...)
			i = end
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if commands(r) && r > ' ' { // below, JSON forbids them in strings
			out = fmt.Appendf(out, `\\u%04x`, r)
		} else {
			out = append(out, text[i:i+size]...)
		}
		i += size
	}
	return out
}

func isPlain(text []byte) bool {
	for _, r := range string(text) {
		if commands(r) {
			return false
		}
	}
	return true
}

// escapesCommand says it of a JSON escape: \r, \b, \f or \uXXXX.
func escapesCommand(escape []byte) bool {
	if len(escape) == 2 {
		return escape[1] == 'r' || escape[1] == 'b' || escape[1] == 'f'
	}
	var r rune
	if _, err := fmt.Sscanf(string(escape), `\u%04x`, &r); err != nil {
		return false
	}
	return commands(r)
}
