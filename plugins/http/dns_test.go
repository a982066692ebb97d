package http

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// names makes a resolver that knows what lookup says, and nothing of the world. The conversation is
// that of DNS, so that all between a name and the dialer is what it is in earnest.
func names(t *testing.T, lookup func(name string) []string) *net.Resolver {
	t.Helper()
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = theirs.Close() })
		go answerDNS(theirs, lookup)
		return ours, nil
	}}
}

// hosts are names that never change.
func hosts(t *testing.T, list map[string]string) *net.Resolver {
	return names(t, func(name string) []string {
		if a := list[name]; a != "" {
			return []string{a}
		}
		return nil
	})
}

// answerDNS answers questions in the format that DNS has on a stream (RFC 1035, section 4).
func answerDNS(conn net.Conn, lookup func(name string) []string) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, q); err != nil {
			return
		}
		var labels []string
		end := 12
		for q[end] != 0 {
			labels = append(labels, string(q[end+1:end+1+int(q[end])]))
			end += 1 + int(q[end])
		}
		end += 5 // the root, type and class
		kind := q[end-3]
		found := lookup(strings.ToLower(strings.Join(labels, ".")))
		const response, notFound = 0x80, 3
		r := []byte{q[0], q[1], response | q[2]&1, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}
		if len(found) == 0 {
			r[3] |= notFound
		}
		r = append(r, q[12:end]...)
		for _, text := range found {
			if a := netip.MustParseAddr(text); a.Is4() && kind == 1 || a.Is6() && kind == 28 {
				r[7]++
				r = append(r, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, byte(len(a.AsSlice())))
				r = append(r, a.AsSlice()...)
			}
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(r))), r...)); err != nil {
			return
		}
	}
}
