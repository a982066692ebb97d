package http

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"

	"weft/plugins"
)

// A Policy says which addresses may be reached. Its zero value refuses link-local addresses and
// those at which clouds serve a machine's credentials, and allows all else: loopback is how one
// tries things out on a laptop.
//
// It is asked about the address that is about to be connected to, after all names are resolved, so
// neither a name nor a redirect nor an odd spelling gets around it. Behind a proxy that is the
// proxy's address; of the URL's host only addresses are then looked at, in any spelling, as names
// are for the proxy to resolve and to refuse.
type Policy struct {
	Allow  []netip.Prefix // reached although they would be refused
	Refuse []netip.Prefix // refused besides: 127.0.0.0/8 and ::1/128 for loopback
}

// metadata are link-local addresses, and those where clouds answer for the machine itself.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("224.0.0.0/24"),       // link-local multicast
	netip.MustParsePrefix("ff02::/16"),          // the same
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
}

// check refuses an address, in words that follow "cannot …: ".
func (p Policy) check(a netip.Addr) error {
	for _, form := range forms(a) {
		switch {
		case within(p.Allow, form):
		case within(metadata, form):
			return plugins.Errorf(plugins.BadInput, "%s is refused: it is link-local, or a cloud's metadata address", a)
		case within(p.Refuse, form):
			return plugins.Errorf(plugins.BadInput, "%s is refused by the configuration", a)
		}
	}
	return nil
}

// checkHost refuses a URL whose host is an address, in any spelling, that may not be reached.
func (p Policy) checkHost(u *url.URL) error {
	a, ok := literal(u.Hostname())
	if !ok {
		return nil
	}
	return p.check(a)
}

// control is asked by the dialer before it connects to an address.
func (p Policy) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("no address: %w", err)
	}
	return p.check(at.Addr())
}

// dialer connects where the policy lets it.
func (p Plugin) dialer() *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, Resolver: p.resolver, ControlContext: p.Policy.control}
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
