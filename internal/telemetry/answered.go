package telemetry

// Answered is how many requests a server has answered since its start.
type Answered struct {
	Good float64
	All  float64 // those that it refused, too
	Edge float64 // requests that can have passed a stage and not be counted yet, or the other way around
}

// since is nil where it is not told.
func (a *Answered) since(before *Answered) (*Answered, error) {
	if a == nil {
		return nil, nil
	}
	d := *a
	if before != nil {
		d.Good, d.All = a.Good-before.Good, a.All-before.All
	}
	if d.Good < 0 || d.All < 0 {
		return nil, errBackwards
	}
	return &d, nil
}

// plus is nil when neither is told.
func (a *Answered) plus(more *Answered) *Answered {
	switch {
	case a == nil:
		return more
	case more == nil:
		return a
	}
	return &Answered{a.Good + more.Good, a.All + more.All, a.Edge + more.Edge}
}

// each says whether a stage that was counted so often was counted once a
// request: then its mean is a part of a request's time. A stage that is counted
// by the execution, say, is told with a mean that is too short, and what it
// lacks would pass for the network. Between the edges of a window a stage and
// the requests differ by those that are between the two at an edge. Of a server
// that does not count its requests nothing is known, and it is believed.
func (a *Answered) each(count float64) bool {
	return a == nil || count >= a.Good-a.Edge && count <= a.All+a.Edge
}

// ownAnswered reads the counter stackbench_requests_total, whose label is the
// HTTP status. A client that has an answer may have sent its next request before
// the answer is counted: two requests of each can be at an edge.
func ownAnswered(p page, s Source) (*Answered, error) {
	const name = "stackbench_requests_total"
	all, told, err := p.number(name, labels{"model": s.Model})
	if err != nil || !told {
		return nil, err
	}
	good, _, err := p.number(name, labels{"model": s.Model, "code": "200"})
	return &Answered{Good: good, All: all, Edge: 2 * float64(s.Underway)}, err
}
