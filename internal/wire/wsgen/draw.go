package wsgen

// Draw makes the target's connections send request seq as next gives it,
// instead of the same ones in turn. It is called before the first Do, and next
// by all connections at once.
func (t *Target) Draw(next func(seq int) []byte) { t.next = next }

// request is what goes out as number seq.
func (t *Target) request(seq int) []byte {
	if t.next != nil {
		return t.next(seq)
	}
	return t.requests[seq%len(t.requests)]
}
