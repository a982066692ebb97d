package runner

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"weft/handoff"
	"weft/machine"
)

// place opens the handoff in force for an order.
func (x *Executor) place(o machine.Order) (handoff.Backend, error) {
	uri := o.Run.Handoff
	for _, other := range []string{o.Plan.Handoff, x.own()} {
		if uri == "" {
			uri = other
		}
	}
	return x.at(uri)
}

// own is the folder of Home itself, for runs that began without another.
func (x *Executor) own() string { return handoff.FileURI(filepath.Join(x.Home, ownFolder)) }

const ownFolder = "handoff"

func (x *Executor) at(uri string) (handoff.Backend, error) {
	if x.Handoff != nil {
		return x.Handoff(uri)
	}
	return handoff.Known().At(uri)
}

// values opens the place that values of the run of an order are read from. What Home's own folder
// took is found there still when the DAG has named another handoff since, and when Home has moved.
func (x *Executor) values(o machine.Order) (handoff.Backend, error) {
	b, err := x.place(o)
	if err != nil || o.Run.Handoff != "" {
		return b, err
	}
	own, err := x.at(x.own())
	return moved{Backend: b, own: own, at: x.own(), dag: o.Plan.DAG, run: o.Run.Run}, err
}

// A moved place reads what is not its own from Home's folder, if it was put into such a folder, and by
// this very run. Whether it is the value that was put there, size and checksum tell.
type moved struct {
	handoff.Backend
	own          handoff.Backend
	at, dag, run string
}

// Fetch implements handoff.Backend.
func (m moved) Fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	r, err := m.Backend.Fetch(ctx, uri)
	if !errors.Is(err, handoff.ErrOutside) {
		return r, err
	}
	was, ok := handoff.PlaceOf(uri, m.dag, m.run)
	if !ok || !strings.HasPrefix(was, "file:") || !strings.HasSuffix(was, "/"+ownFolder) {
		return nil, err
	}
	return m.own.Fetch(ctx, m.at+strings.TrimPrefix(uri, was))
}
