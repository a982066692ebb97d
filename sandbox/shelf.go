package sandbox

import (
	"bytes"
	"io"
)

// A shelf keeps bytes; what they are called is the vault's. A blob never changes: an object that is
// written anew is a new blob, so who reads the old one reads it to its end.
type shelf interface {
	draft() (draft, error)
	// keep makes a blob the content of an object that outlasts Close, if anything here does.
	keep(b blob, bucket string, m meta) error
	makeBucket(name string) error
	dropBucket(name string) error
	close()
}

// A draft is a blob being written. It ends by done or by drop.
type draft interface {
	io.Writer
	done() (blob, error)
	drop()
}

// A blob is bytes that were written.
type blob interface {
	open() (content, error)
	drop()
}

// content is a blob being read.
type content interface {
	io.ReaderAt
	io.Closer
}

// memory is a shelf that nothing outlasts.
type memory struct{}

func (memory) draft() (draft, error)         { return &buffer{}, nil }
func (memory) keep(blob, string, meta) error { return nil }
func (memory) makeBucket(string) error       { return nil }
func (memory) dropBucket(string) error       { return nil }
func (memory) close()                        {}

type buffer struct{ bytes.Buffer }

// done copies: a buffer that has grown holds up to twice what is in it, and a blob is held for long.
func (b *buffer) done() (blob, error) { return held(bytes.Clone(b.Bytes())), nil }
func (b *buffer) drop()               {}

type held []byte

func (h held) open() (content, error) { return heldReader{bytes.NewReader(h)}, nil }
func (h held) drop()                  {}

type heldReader struct{ *bytes.Reader }

func (heldReader) Close() error { return nil }
