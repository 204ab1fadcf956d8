package grpcraw

import (
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Bound sets how many bytes an answer's message may have, and the messages
// together of one that is kept. Set it before the first request.
func (t *Target) Bound(bytes int) {
	if bytes <= 0 || bytes > maxMessage {
		bytes = maxMessage
	}
	t.limit, t.options = bytes, []grpc.CallOption{grpc.MaxCallRecvMsgSize(bytes)}
}

// Bound is Target's.
func (t *StreamTarget) Bound(bytes int) { t.target.Bound(bytes) }

// Bound is Target's.
func (t *EventTarget) Bound(bytes int) { t.target.Bound(bytes) }

// larger is how gRPC begins to say that a message was refused for its size,
// here or, with another limit at its end, by the server.
const larger = "grpc: received message"

func (t *Target) oversize() error {
	return status.Errorf(codes.ResourceExhausted, "%s larger than max (vs. %d)", larger, t.limit)
}

// refused reports whether it was this side that refused an answer.
func (t *Target) refused(s *status.Status) bool {
	return s.Code() == codes.ResourceExhausted && strings.HasPrefix(s.Message(), larger) &&
		strings.HasSuffix(s.Message(), fmt.Sprintf("vs. %d)", t.limit))
}
