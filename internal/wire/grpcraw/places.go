package grpcraw

import (
	"context"
	"fmt"
	"math"
	"sync"

	"google.golang.org/grpc/connectivity"
)

// places spreads a target's connections over its channels, and opens more
// channels where a server takes fewer calls on each than there are connections:
// what its clients have to themselves would not wait for each other either.
type places struct {
	mu       sync.Mutex
	channels []*channel
}

// take finds the channel with the fewest connections among those with a place.
// A channel that is not open yet has told no limit: whoever then has no place on
// it gives it back and asks again.
func (p *places) take(more func() (*channel, error)) (*channel, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var best *channel
	for _, c := range p.channels {
		if c.conns < c.most() && (best == nil || c.conns < best.conns) {
			best = c
		}
	}
	if best == nil {
		c, err := more()
		if err != nil {
			return nil, 0, err
		}
		p.channels, best = append(p.channels, c), c
	}
	best.conns++
	return best, best.conns, nil
}

func (p *places) giveBack(c *channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.conns--
}

// all are the channels so far.
func (p *places) all() []*channel {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*channel(nil), p.channels...)
}

// most is how many connections may share the channel. A server that takes none
// for now is asked all the same.
func (c *channel) most() int {
	if n := c.limit.Load(); n > 0 {
		return int(n)
	}
	return math.MaxInt
}

// Dial returns a connection once its channel is open and has a place for it.
func (t *Target) Dial(ctx context.Context) (*Conn, error) {
	for {
		c, place, err := t.places.take(func() (*channel, error) { return newChannel(t.addr) })
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", t.addr, err)
		}
		if err := t.await(ctx, c); err != nil {
			t.places.giveBack(c)
			return nil, err
		}
		if place <= c.most() {
			return &Conn{target: t, channel: c}, nil
		}
		t.places.giveBack(c)
	}
}

// await returns once the channel is open.
func (t *Target) await(ctx context.Context, c *channel) error {
	c.client.Connect()
	for {
		switch s := c.client.GetState(); s {
		case connectivity.Ready:
			return nil
		case connectivity.TransientFailure, connectivity.Shutdown:
			return fmt.Errorf("connect to %s: %w", t.addr, c.why(ctx))
		case connectivity.Idle:
			c.client.Connect()
			fallthrough
		default:
			if !c.client.WaitForStateChange(ctx, s) {
				return fmt.Errorf("connect to %s: %w", t.addr, ctx.Err())
			}
		}
	}
}
