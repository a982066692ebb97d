package away

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"weft/handoff"
	"weft/logs"
)

// How long after the end of an attempt more of its log may be on its way: where nothing of it is there whole, and where
// something is.
const (
	late  = 5 * time.Second
	later = time.Second
)

// Copy writes a whole log, as far as it is there now. The error wraps fs.ErrNotExist if nothing is.
func (p Place) Copy(ctx context.Context, w io.Writer, id logs.ID) error {
	r, err := p.reader(w, id)
	if err != nil {
		return err
	}
	for {
		more, err := r.look(ctx)
		if err != nil {
			return fmt.Errorf("cannot read log: %w", err)
		}
		if !more {
			break
		}
	}
	if r.part == 1 && !r.begun {
		return fmt.Errorf("cannot read log: %w", fs.ErrNotExist)
	}
	return nil
}

// Follow writes a log as it grows, looking again after each interval, until ctx ends or ended says that the attempt has
// ended and all is written. A log that does not exist yet is empty.
func (p Place) Follow(ctx context.Context, w io.Writer, id logs.ID, every time.Duration, ended func() bool) error {
	r, err := p.reader(w, id)
	if err != nil {
		return err
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var since time.Time // when the end was heard of
	for {
		over := ended() // asked before the last look, so that nothing said before the end is missed
		if over && since.IsZero() {
			since = time.Now()
		}
		more, err := r.look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && over && time.Since(since) >= late:
			return fmt.Errorf("cannot read log: %w", err)
		case err == nil && more:
			continue
		case err == nil && over && (time.Since(since) >= late || !r.begun && r.wholes > 0 && time.Since(since) >= later):
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// A reader stands in a log.
type reader struct {
	p      Place
	dir    string
	w      io.Writer
	part   int
	at     int64 // how much of the part is written
	begun  bool  // something of the part is there
	wholes int   // parts that were complete
}

func (p Place) reader(w io.Writer, id logs.ID) (*reader, error) {
	dir, err := folder(id)
	return &reader{p: p, dir: dir, w: w, part: 1}, err
}

// look writes what is new; more tells that it stands before another part or piece, which may be there already.
func (r *reader) look(ctx context.Context) (more bool, err error) {
	found, err := r.rest(ctx)
	if err != nil {
		return false, err
	}
	if found { // the part is complete
		r.part, r.at, r.begun = r.part+1, 0, false
		r.wholes++
		return true, nil
	}
	n := int(r.at/Piece) + 1
	body, err := handoff.Load(ctx, r.p.Backend, r.p.URI, piece(r.dir, r.part, n), Piece)
	switch {
	case handoff.Absent(err) && !r.begun:
		return false, nil
	case err != nil && !handoff.Absent(err):
		return false, err
	case err == nil:
		r.begun = true
		if err := r.write(body[min(r.at%Piece, int64(len(body))):]); err != nil {
			return false, err
		}
		if len(body) == Piece {
			return true, nil
		}
	}
	// It was cut off if another has begun; else it may grow.
	next, err := r.p.has(ctx, r.dir, r.part+1)
	if next {
		r.part, r.at, r.begun = r.part+1, 0, false
	}
	return next, err
}

// rest writes what is left of a part that is complete.
func (r *reader) rest(ctx context.Context) (found bool, err error) {
	uri, err := handoff.URIOf(r.p.URI, whole(r.dir, r.part))
	if err != nil {
		return false, err
	}
	rc, err := r.p.Backend.Fetch(ctx, uri)
	if handoff.Absent(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer rc.Close()
	r.begun = true
	switch _, err := io.CopyN(io.Discard, rc, r.at); {
	case errors.Is(err, io.EOF): // it was cut shorter than what was read of it
		return true, nil
	case err != nil:
		return false, err
	}
	n, err := io.CopyBuffer(r.w, rc, make([]byte, 64<<10))
	r.at += n
	return err == nil, err
}

func (r *reader) write(b []byte) error {
	n, err := io.Copy(r.w, bytes.NewReader(b))
	r.at += n
	return err
}
