package suite

import (
	"time"

	"stackbench/internal/axis"
)

// LoadKind is how requests arrive; the value of the name's load key.
type LoadKind string

const (
	ClosedLoad LoadKind = axis.Closed // users, each one request after the other
	OpenLoad   LoadKind = axis.Open   // requests a second, at random times (Poisson)
	KneeLoad   LoadKind = axis.Knee   // open, at the highest rate whose p99 is within Limit: it is searched for
	UsersLoad  LoadKind = axis.Users  // closed, of as many users as the group's limits hold for: it is searched for
)

// Load is a kind of load, and how much of it where that is given.
type Load struct {
	Kind  LoadKind
	N     int           // users, or requests a second
	Limit time.Duration // that is to hold at a load which is searched for, where the group has none for it
}

// Closed is a closed loop of that many users.
func Closed(conc int) Load { return Load{Kind: ClosedLoad, N: conc} }

// Open is an open loop of that many requests a second, Poisson arrivals.
func Open(rate int) Load { return Load{Kind: OpenLoad, N: rate} }

// Knee seeks the highest rate of an open loop whose p99 stays within limit.
func Knee(limit time.Duration) Load { return Load{Kind: KneeLoad, Limit: limit} }

// Users seeks the most users of a closed loop for whom the group's limits hold.
func Users() Load { return Load{Kind: UsersLoad} }

// Conc is how many users a closed loop has; 0 of another load.
func (l Load) Conc() int { return l.of(ClosedLoad) }

// Rate is how many requests a second an open loop has; 0 of another load.
func (l Load) Rate() int { return l.of(OpenLoad) }

// Sought says whether the load is searched for.
func (l Load) Sought() bool { return l.Kind != "" && l.N == 0 }

func (l Load) of(kind LoadKind) int {
	if l.Kind != kind {
		return 0
	}
	return l.N
}
