package http1

// Prepared is a request as it goes onto the wire.
type Prepared prebuilt

// Prepare builds a request's bytes for this target.
func (t *Target) Prepare(r Request) (*Prepared, error) {
	r.Path = t.prefix + r.Path
	if err := r.check(); err != nil {
		return nil, err
	}
	p := Prepared(build(t.addr, r))
	return &p, nil
}

// Draw makes the target's connections send request seq as next gives it,
// instead of the same ones in turn. It is called before the first Do, and next
// by all connections at once.
func (t *Target) Draw(next func(seq int) *Prepared) { t.next = next }

// request is what goes out as number seq.
func (t *Target) request(seq int) *prebuilt {
	if t.next != nil {
		return (*prebuilt)(t.next(seq))
	}
	return &t.requests[seq%len(t.requests)]
}
