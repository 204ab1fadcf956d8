package grpcraw

import "encoding/binary"

// settings finds how many calls at a time a server takes on a connection. It
// says so in the first frame that it sends (RFC 9113, 3.4); gRPC's client obeys
// and tells nobody: calls that find no place wait for one, and would be taken
// for slow ones.
type settings struct {
	frame []byte // as much of it as has come; nil once it has been read
	over  bool
}

const (
	frameHead  = 9
	maxFrame   = 16 << 10
	maxStreams = 3 // SETTINGS_MAX_CONCURRENT_STREAMS
)

// read takes in what the server sent. It reports the limit once, when the frame
// is there and has one.
func (s *settings) read(b []byte) (limit uint32, told bool) {
	if s.over || len(b) == 0 {
		return 0, false
	}
	s.frame = append(s.frame, b[:min(len(b), frameHead+maxFrame-len(s.frame))]...)
	if len(s.frame) < frameHead {
		return 0, false
	}
	size := int(s.frame[0])<<16 | int(s.frame[1])<<8 | int(s.frame[2])
	if isSettings := s.frame[3] == 4; isSettings && size <= maxFrame && len(s.frame) < frameHead+size {
		return 0, false
	} else if isSettings && size <= maxFrame {
		limit, told = parseSettings(s.frame[frameHead : frameHead+size])
	}
	s.frame, s.over = nil, true
	return limit, told
}

func parseSettings(b []byte) (limit uint32, told bool) {
	for ; len(b) >= 6; b = b[6:] {
		if binary.BigEndian.Uint16(b) == maxStreams {
			limit, told = binary.BigEndian.Uint32(b[2:]), true
		}
	}
	return limit, told
}
