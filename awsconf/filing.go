package awsconf

import (
	"context"
	"errors"
	"hash"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	// block is what of a part is in memory on its way into a file.
	block = 256 << 10
	// connection is what one takes from the room that all share: its block, and what lies in buffers.
	connection = 1 << 20
)

// A File takes bytes at their places, and gives them back. *os.File is one, opened for both.
type File interface {
	io.ReaderAt
	io.WriterAt
}

// WriteFile writes an object of which nothing has been read yet into an empty file. A large one comes by
// several connections, each of which writes at its place. also, unless it is nil, is given all bytes in
// their order; they are read from the file again as soon as all before them are there. The bytes are
// proven once WriteFile returns nil. An error of the file is as the file gave it.
func (d *Download) WriteFile(f File, also io.Writer) (int64, error) {
	conns := int64(d.more(connection, PartSize))
	if conns == 0 {
		to := io.Writer(io.NewOffsetWriter(f, 0))
		if also != nil {
			to = io.MultiWriter(to, also)
		}
		return d.WriteTo(to)
	}
	defer give(conns * connection)
	parts := (d.Size + PartSize - 1) / PartSize
	w := &filing{Download: d, file: f, sums: make([]partSum, parts), came: make(chan int, parts)}
	inOrder := inOrder(d.sum, also)
	group, ctx := errgroup.WithContext(d.ctx)
	w.head, d.untouched = d.detach(ctx), false
	for range min(conns, parts) {
		group.Go(func() error { return w.fetch(ctx) })
	}
	if inOrder != nil {
		group.Go(func() error { return w.follow(ctx, inOrder) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	end := d.sum.end
	if d.sum.joins() {
		end = func() error { return d.sum.endJoined(w.sums) }
	}
	if err := end(); !errors.Is(err, io.EOF) {
		return 0, err
	}
	d.at = d.Size
	return d.Size, nil
}

// inOrder is what must be given all bytes in their order: nil for none.
func inOrder(sum *checksum, also io.Writer) io.Writer {
	switch alone := sum.Hash == nil || sum.joins(); {
	case alone:
		return also
	case also == nil:
		return sum
	}
	return io.MultiWriter(sum, also)
}

// filing is an object on its way into a file.
type filing struct {
	*Download
	head *Download // the connection that is open already; it brings the first part
	file File
	next atomic.Int64 // part to be fetched
	sums []partSum    // by part, if they say something of the whole
	came chan int     // parts that are in the file
}

// fetch brings one part after another.
func (w *filing) fetch(ctx context.Context) error {
	buf := make([]byte, block)
	for {
		n := int(w.next.Add(1)) - 1
		if n >= len(w.sums) {
			return nil
		}
		if err := w.part(ctx, n, buf); err != nil {
			return err
		}
		w.came <- n // there is room
	}
}

func (w *filing) part(ctx context.Context, n int, buf []byte) error {
	at := int64(n) * PartSize
	size := min(PartSize, w.Size-at)
	in, err := w.partOf(ctx, w.head, at, size)
	if err != nil {
		return err
	}
	defer in.Close()
	var sum hash.Hash
	if w.sum.joins() {
		sum = w.sum.kind.with()
	}
	for done := int64(0); done < size; {
		p := buf[:min(int64(len(buf)), size-done)]
		if _, err := io.ReadFull(in, p); err != nil {
			return err
		}
		if sum != nil {
			_, _ = sum.Write(p) // it never fails
		}
		if _, err := w.file.WriteAt(p, at+done); err != nil {
			return err
		}
		done += int64(len(p))
	}
	if sum != nil {
		w.sums[n] = partSum{valueOf(sum), size}
	}
	return in.nothingLeft()
}

// follow reads what is there, in its order.
func (w *filing) follow(ctx context.Context, to io.Writer) error {
	there, buf := make([]bool, len(w.sums)), make([]byte, block)
	for at := 0; at < len(there); {
		select {
		case n := <-w.came:
			there[n] = true
		case <-ctx.Done():
			return ctx.Err()
		}
		for ; at < len(there) && there[at]; at++ {
			first := int64(at) * PartSize
			if _, err := io.CopyBuffer(to, io.NewSectionReader(w.file, first, min(PartSize, w.Size-first)), buf); err != nil {
				return err
			}
		}
	}
	return nil
}
