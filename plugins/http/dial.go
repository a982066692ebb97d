package http

import (
	"context"
	"net"
	"syscall"
)

// dial connects where the policy lets it. The host of address is a URL's or a proxy's, as DNS is going to
// be asked for it: names are held to the policy here once more, for here every spelling has become one.
//
// An address that only some resolvers take for one (0x7f.1, 2130706433) is connected to as what it is:
// what it means must not depend on how weft was built.
func (p Plugin) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	named := false
	if a, ok := literal(host); ok {
		address = net.JoinHostPort(a.String(), port)
	} else if named, err = p.Policy.checkName(host); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: dialTimeout, Resolver: p.resolver}
	d.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		if err := p.Policy.checkConnect(address, named); err != nil {
			return err
		}
		if p.connects != nil {
			return p.connects(address)
		}
		return nil
	}
	return d.DialContext(ctx, network, address)
}
