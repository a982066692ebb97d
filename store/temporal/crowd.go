package temporal

import (
	"context"
	"fmt"

	wire "weft/runner/temporal"
)

// A crowd is the runs of one DAG that come or go through this process while an update for others of them is under way:
// they share the next one. A server takes ten updates of a workflow at one time, and each costs five events.
type crowd struct{ waiting []*coming }

// A coming is one of them.
type coming struct {
	turn  Turn
	heard chan heard
}

type heard struct {
	place wire.Place
	err   error
}

// mostInTurn bounds what shares one update.
const mostInTurn = 100

// inLine has something happen in the line of a DAG. What is done twice is done once, so a caller who hears nothing asks
// again.
func (f *far) inLine(ctx context.Context, dag string, t Turn) (wire.Place, error) {
	c := &coming{t, make(chan heard, 1)}
	f.mu.Lock()
	line, going := f.crowds[dag]
	if !going {
		line = &crowd{}
		f.crowds[dag] = line
	}
	line.waiting = append(line.waiting, c)
	f.mu.Unlock()
	if !going {
		go f.usher(context.WithoutCancel(ctx), dag, line)
	}
	select {
	case h := <-c.heard:
		return h.place, h.err
	case <-ctx.Done():
		return wire.Place{}, ctx.Err()
	}
}

// usher brings those who wait to their DAG, until nobody does.
func (f *far) usher(ctx context.Context, dag string, line *crowd) {
	for {
		f.mu.Lock()
		n := min(len(line.waiting), mostInTurn)
		these := line.waiting[:n]
		line.waiting = line.waiting[n:]
		if n == 0 {
			delete(f.crowds, dag)
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		turns := make([]Turn, n)
		for i, c := range these {
			turns[i] = c.turn
		}
		var places []wire.Place
		err := f.update(ctx, dag, updateLine, "", turns, &places)
		if err == nil && len(places) != n {
			err = fmt.Errorf("%d runs of %s came or went, %d were answered", n, dag, len(places))
		}
		for i, c := range these {
			h := heard{err: err}
			if err == nil {
				h.place = places[i]
			}
			c.heard <- h
		}
	}
}
