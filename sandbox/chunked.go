package sandbox

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// chunked reads a body that is sent as aws-chunked: `SIZE-IN-HEX[;chunk-signature=…]`, the bytes, a
// chunk of size 0, then headers. The chunks' own signatures are not checked: the request's is, and
// the bytes have a checksum.
type chunked struct {
	from     *bufio.Reader
	left     int64 // of the chunk being read
	begun    bool
	ended    bool
	trailers http.Header
}

const mostTrailers = 16

func newChunked(r io.Reader) *chunked {
	return &chunked{from: bufio.NewReader(r), trailers: http.Header{}}
}

// Read implements io.Reader. A body that stops before its end is errIncomplete.
func (c *chunked) Read(p []byte) (int, error) {
	if c.left == 0 && !c.ended {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.ended {
		return 0, io.EOF
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil {
		return n, errIncomplete
	}
	return n, nil
}

// next reads the head of a chunk; of the last one, what follows it too.
func (c *chunked) next() error {
	if c.begun {
		if line, err := c.line(); err != nil || line != "" {
			return errIncomplete
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 {
		return errIncomplete
	}
	if c.left > 0 {
		return nil
	}
	for range mostTrailers {
		line, err := c.line()
		if err != nil && line == "" || err == nil && line == "" { // some end at the last trailer
			c.ended = true
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || err != nil {
			return errIncomplete
		}
		c.trailers.Set(name, strings.TrimSpace(value))
	}
	return errIncomplete
}

// line is short: the buffer's size bounds it.
func (c *chunked) line() (string, error) {
	raw, err := c.from.ReadSlice('\n')
	if err != nil {
		return strings.TrimSpace(string(raw)), errIncomplete
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}
