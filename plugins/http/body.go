package http

import (
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"slices"
	"strings"

	"weft/plugins"
)

// read reads a body, decoded, up to a limit: what a few bytes of gzip unfold to counts.
func read(resp *nethttp.Response, limit int64) ([]byte, error) {
	tooLong := func() error {
		e := plugins.Errorf(plugins.Remote, "its body is longer than %d bytes", limit)
		e.Hint = "fetch it with a script that writes a file, and keep that as an artifact"
		return e
	}
	if resp.ContentLength > limit && resp.Request.Method != "HEAD" {
		return nil, tooLong()
	}
	pieces, size, err := gather(resp.Body, limit)
	switch {
	case size > limit:
		return nil, tooLong()
	case err != nil:
		return nil, brokenOff(size, err)
	}
	return slices.Concat(pieces...), nil
}

// gather reads to the end, or beyond the limit, in pieces: a buffer that doubles would cost three times
// what is read, and a length that the server claims is not to be believed.
func gather(r io.Reader, limit int64) (pieces [][]byte, size int64, err error) {
	const first, largest = 4 << 10, 1 << 20
	var piece []byte
	for next := first; size <= limit && err == nil; {
		if len(piece) == cap(piece) {
			piece = make([]byte, 0, next)
			pieces = append(pieces, nil)
			next = min(2*next, largest)
		}
		n := 0
		n, err = r.Read(piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		pieces[len(pieces)-1] = piece
		size += int64(n)
	}
	if err == io.EOF { // as io.Reader means it; one that is wrapped is a connection's
		err = nil
	}
	return pieces, size, err
}

// brokenOff is the failure of a body that does not come to its end. What a connection says of itself is
// for cause to put into words.
func brokenOff(n int64, err error) error {
	var connection net.Error
	switch {
	case strings.HasPrefix(err.Error(), "gzip:"), strings.HasPrefix(err.Error(), "flate:"):
		return plugins.Errorf(plugins.Remote, "its body is damaged: it says it is gzip, and is not")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return mayPass("its body breaks off after %d bytes", n)
	case errors.As(err, &connection):
		return err
	}
	return plugins.Errorf(plugins.Remote, "its body is damaged: %s", plain(err))
}
