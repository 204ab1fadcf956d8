package http1

import "bytes"

const maxLine = 4096 // of a chunk's size line, and of all trailers together

type chunkState uint8

const (
	inSize chunkState = iota
	inData
	inDataEnd
	inTrailer
	chunksDone
)

// dechunker removes the chunked coding in place: buf[read:n] is raw, decoded
// bytes go to buf[write:], and write never passes read.
type dechunker struct {
	state    chunkState
	left     int64 // of the current chunk
	read     int
	write    int
	start    int // of the body: where write began
	limit    int // bytes that the body may have
	trailers int // bytes
}

// step decodes what it can of buf[:n]; more bytes are needed unless the state
// is chunksDone.
func (d *dechunker) step(buf []byte, n int) error {
	for {
		before, state := d.read, d.state
		var err error
		switch d.state {
		case inSize:
			err = d.size(buf[d.read:n])
		case inData:
			err = d.data(buf, n)
		case inDataEnd:
			err = d.dataEnd(buf[d.read:n])
		case inTrailer:
			err = d.trailer(buf[d.read:n])
		}
		if err != nil || d.state == chunksDone || d.read == before && d.state == state {
			return err
		}
	}
}

// errBareLFInChunks says at once what would else be waited for in vain.
const errBareLFInChunks = malformed("a line of the chunked coding ends without a carriage return")

func (d *dechunker) size(b []byte) error {
	end := bytes.Index(b, crlf)
	if bareLF(b[:max(end, 0)], 0) || end < 0 && bareLF(b, 0) {
		return errBareLFInChunks
	}
	if end < 0 {
		if len(b) > maxLine {
			return malformed("a chunk's size line does not end")
		}
		return nil
	}
	digits, _, _ := bytes.Cut(b[:end], []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 {
		return malformedf("%.80q is not a chunk size", string(b[:end]))
	}
	d.left = 0
	for _, c := range digits {
		v, ok := hex(c)
		if !ok {
			return malformedf("%.80q is not a chunk size", string(b[:end]))
		}
		d.left = d.left<<4 | int64(v)
	}
	d.read += end + 2
	d.state = inData
	if d.left == 0 {
		d.state = inTrailer
	}
	return nil
}

func hex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func (d *dechunker) data(buf []byte, n int) error {
	if int64(d.write-d.start)+d.left > int64(d.limit) {
		return oversize(d.limit)
	}
	k := int(min(d.left, int64(n-d.read)))
	copy(buf[d.write:], buf[d.read:d.read+k])
	d.read += k
	d.write += k
	d.left -= int64(k)
	if d.left == 0 {
		d.state = inDataEnd
	}
	return nil
}

func (d *dechunker) dataEnd(b []byte) error {
	if len(b) < 2 && (len(b) == 0 || b[0] == '\r') {
		return nil
	}
	if !bytes.HasPrefix(b, crlf) {
		return malformed("a chunk is longer than its size line says")
	}
	d.read += 2
	d.state = inSize
	return nil
}

// trailer skips lines up to the empty one.
func (d *dechunker) trailer(b []byte) error {
	end := bytes.Index(b, crlf)
	if bareLF(b[:max(end, 0)], 0) || end < 0 && bareLF(b, 0) {
		return errBareLFInChunks
	}
	if d.trailers+len(b) > maxLine && end != 0 {
		return malformed("the trailers do not end")
	}
	if end < 0 {
		return nil
	}
	d.read += end + 2
	d.trailers += end + 2
	if end == 0 {
		d.state = chunksDone
	}
	return nil
}
