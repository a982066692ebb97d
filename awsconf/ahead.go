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

// more is by how many connections the object may come: 0 if it is not worth it, or there is no room for
// two. Each of them has taken room; size is of a part.
func (d *Download) more(room, size int64) (conns int) {
	if d.Size < 3*size || d.ETag == "" || d.first != 0 || !d.untouched {
		return 0
	}
	for conns < mostRead && take(room) {
		conns++
	}
	if conns < 2 {
		give(int64(conns) * room)
		return 0
	}
	return conns
}

// readAhead turns a download of which nothing has been read into one by several connections.
func (d *Download) readAhead() {
	room := 0
	if d.Size >= aheadFrom {
		room = d.more(readSize, readSize)
	}
	if d.untouched = false; room == 0 {
		return
	}
	ctx, stop := context.WithCancel(d.ctx)
	a := &ahead{stop: stop, parts: make(chan chan part, room), free: make(chan []byte, room), room: room}
	for range room {
		a.free <- nil // made once it is needed
	}
	go a.fetch(ctx, d, d.detach(ctx))
	d.ahead = a
}

// fetch starts a connection for each part as soon as there is a buffer.
func (a *ahead) fetch(ctx context.Context, d, head *Download) {
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
			body, err := d.one(ctx, head, at, buf[:n])
			came <- part{body, err}
		}()
	}
}

func (d *Download) one(ctx context.Context, head *Download, at int64, buf []byte) ([]byte, error) {
	in, err := d.partOf(ctx, head, at, int64(len(buf)))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if _, err := io.ReadFull(in, buf); err != nil {
		return nil, err
	}
	return buf, in.nothingLeft()
}

// partOf opens a part of the same version. The first comes by the connection that is open already.
func (d *Download) partOf(ctx context.Context, head *Download, at, n int64) (*Download, error) {
	if at == 0 {
		return head, nil
	}
	in, err := d.session.OpenPart(ctx, d.from, at, n)
	if f := FaultOf(err); err != nil && (f == NoObject || f == Exists) {
		return nil, &Error{Fault: Changed, Text: "it changed while it was read", cause: err}
	}
	if err != nil {
		return nil, err
	}
	if in.ETag != d.ETag {
		_ = in.Close()
		return nil, &Error{Fault: Changed, Text: "it changed while it was read"}
	}
	return in, nil
}

// nothingLeft is an error if more comes of a part than was asked for. Of the first part it always
// does, and is of no use.
func (d *Download) nothingLeft() error {
	if d.at < d.Size {
		return nil
	}
	_, err := d.Read(nil)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
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
