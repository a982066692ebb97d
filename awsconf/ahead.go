package awsconf

import (
	"context"
	"errors"
	"io"
)

// aheadFrom is the size from which on an object is read by several connections.
const aheadFrom = 3 * PartSize

// ahead reads an object by parts, several at a time, and gives them in their order. Each part is of the
// same version, and is taken up again by itself where its connection breaks.
type ahead struct {
	stop  context.CancelFunc
	parts chan chan part // in order
	free  chan []byte    // buffers that may be filled
	room  int            // of which this many were taken from what all share
	now   part
	at    int
}

// A part is what one connection has brought.
type part struct {
	body []byte
	err  error
}

// readAhead turns a download that has just been opened into one by several connections, where it is
// worth it and there is room.
func (d *Download) readAhead() {
	if d.Size < aheadFrom || d.ETag == "" || d.first != 0 {
		return
	}
	room := 0
	for room < mostRead && take(readSize) {
		room++
	}
	if room < 2 {
		give(int64(room) * readSize)
		return
	}
	ctx, stop := context.WithCancel(d.ctx)
	a := &ahead{stop: stop, parts: make(chan chan part, room), free: make(chan []byte, room), room: room}
	for range room {
		a.free <- nil // made once it is needed
	}
	_ = d.Close() // what it would bring comes by parts
	go a.fetch(ctx, d)
	d.ahead = a
}

// fetch starts a connection for each part as soon as there is a buffer.
func (a *ahead) fetch(ctx context.Context, d *Download) {
	defer close(a.parts)
	for at := int64(0); at < d.Size; at += readSize {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-ctx.Done():
			return
		}
		n := min(readSize, d.Size-at)
		if buf == nil {
			buf = make([]byte, readSize)
		}
		came := make(chan part, 1)
		a.parts <- came // there is room: there are no more of them than buffers
		go func() {
			body, err := d.one(ctx, at, buf[:n])
			came <- part{body, err}
		}()
	}
}

func (d *Download) one(ctx context.Context, at int64, buf []byte) ([]byte, error) {
	in, err := d.session.OpenPart(ctx, d.from, at, int64(len(buf)))
	if f := FaultOf(err); err != nil && (f == NoObject || f == Exists) {
		return nil, &Error{Fault: Changed, Text: "it changed while it was read", cause: err}
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if in.ETag != d.ETag {
		return nil, &Error{Fault: Changed, Text: "it changed while it was read"}
	}
	if _, err := io.ReadFull(in, buf); err != nil {
		return nil, err
	}
	_, err = in.Read(nil) // nothing is left
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return buf, err
}

// read gives what comes next; io.EOF after the last part.
func (a *ahead) read(ctx context.Context, p []byte) (int, error) {
	if err := a.turn(ctx); err != nil {
		return 0, err
	}
	n := copy(p, a.now.body[a.at:])
	a.at += n
	return n, nil
}

// next gives all that is left of a part. It is there until the next call.
func (a *ahead) next(ctx context.Context) ([]byte, error) {
	if err := a.turn(ctx); err != nil {
		return nil, err
	}
	rest := a.now.body[a.at:]
	a.at = len(a.now.body)
	return rest, nil
}

// turn has something be left of the part that is read.
func (a *ahead) turn(ctx context.Context) error {
	for a.at == len(a.now.body) {
		if a.now.body != nil {
			a.free <- a.now.body[:cap(a.now.body)]
			a.now, a.at = part{}, 0
		}
		came, more := <-a.parts
		switch {
		case !more && ctx.Err() != nil:
			return ctx.Err()
		case !more:
			return io.EOF
		}
		if a.now = <-came; a.now.err != nil {
			return a.now.err
		}
	}
	return nil
}

func (a *ahead) close() {
	a.stop()
	for came := range a.parts { // until all have ended: their buffers count
		<-came
	}
	give(int64(a.room) * readSize)
	a.room = 0
}
