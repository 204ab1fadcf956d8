package generation

import "strings"

// GaveUp reports whether a server ends an answer by this reason because it gave
// the request up: what came is no answer, though the usual end follows. vLLM
// and SGLang say abort, gateways in front of them error, cancelled or timeout.
func GaveUp(reason string) bool {
	switch strings.ToLower(reason) {
	case "abort", "aborted", "error", "cancel", "cancelled", "canceled", "timeout", "timed_out":
		return true
	}
	return false
}

// gaveUpAtMost is the longest of those words.
const gaveUpAtMost = len("cancelled")

// GivenUp is GaveUp of a JSON value: a string, or, as of SGLang, an object
// whose type is one.
func GivenUp(reason []byte) bool {
	if len(reason) > 0 && reason[0] == '{' {
		reason = Field(reason, "type")
	}
	return HasText(reason) && len(reason) <= gaveUpAtMost+2 && GaveUp(string(reason[1:len(reason)-1]))
}
