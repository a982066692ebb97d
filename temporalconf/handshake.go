package temporalconf

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
)

// outspoken is TLS that tells why the server hung up. A server that refuses the client's certificate says so when
// the client takes itself for connected (RFC 8446, 4.4.2.4): the first write fails then, and what was said waits
// to be read.
type outspoken struct {
	credentials.TransportCredentials
}

func newOutspoken(conf *tls.Config) credentials.TransportCredentials {
	return outspoken{credentials.NewTLS(conf)}
}

// ClientHandshake implements credentials.TransportCredentials.
func (o outspoken) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := o.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	return lastWords{conn}, info, nil
}

// Clone implements credentials.TransportCredentials.
func (o outspoken) Clone() credentials.TransportCredentials {
	return outspoken{o.TransportCredentials.Clone()}
}

// lastWords is a connection whose writes fail with what the other side said at last.
type lastWords struct{ net.Conn }

// isAlert tells whether an error is what the other side said by TLS; crypto/tls wraps it so.
func isAlert(err error) bool {
	var alert tls.AlertError
	var op *net.OpError
	return errors.As(err, &alert) || errors.As(err, &op) && op.Op == "remote error"
}

func (l lastWords) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	if err != nil {
		_ = l.Conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, said := l.Conn.Read(make([]byte, 1)); isAlert(said) {
			err = said
		}
	}
	return n, err
}
