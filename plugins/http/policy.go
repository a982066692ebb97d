package http

import (
	"fmt"
	"net/netip"
	"net/url"

	"weft/plugins"
)

// A Policy says which hosts and addresses may be reached. Its zero value refuses link-local addresses
// and those at which clouds serve a machine's credentials, and allows all else: loopback and private
// networks are how one tries things out on a laptop.
//
// Addresses are looked at where a connection is about to be made, after all names are resolved, so
// neither a name nor a redirect nor an odd spelling gets around it. Behind a proxy that is the proxy's
// address; of the URL's host only names as they stand and addresses, in any spelling, are then looked
// at: what a name leads to is for the proxy to find out, and to refuse.
type Policy struct {
	Allow  Places // reached although Refuse says otherwise; link-local only by its addresses
	Refuse Places // refused besides link-local
}

// linkLocal are link-local addresses, and those where clouds answer for the machine itself.
var linkLocal = []netip.Prefix{
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

// check refuses an address, in words that follow "cannot …: ". named tells whether it is that of a host
// whose name is allowed. Such a name does not open link-local: whoever owns it decides where it leads.
func (p Policy) check(a netip.Addr, named bool) error {
	for _, form := range forms(a) {
		switch {
		case within(p.Allow.Nets, form):
		case within(linkLocal, form):
			e := plugins.Errorf(plugins.BadInput, "%s is refused: it is link-local, or a cloud's metadata address", a)
			e.Hint = "http.allow in weft.yaml opens an address"
			return e
		case !named && within(p.Refuse.Nets, form):
			return refused(a.String())
		}
	}
	return nil
}

// checkName refuses a host by its name; allowed tells that it is named in Allow.
func (p Policy) checkName(host string) (allowed bool, err error) {
	switch {
	case p.Allow.names(host):
		return true, nil
	case p.Refuse.names(host):
		return false, refused(shorten(host))
	}
	return false, nil
}

// checkHost refuses a URL whose host is a name, or an address in any spelling, that may not be reached.
func (p Policy) checkHost(u *url.URL) error {
	host := u.Hostname()
	if a, ok := literal(host); ok {
		return p.check(a, false)
	}
	_, err := p.checkName(host)
	return err
}

func refused(what string) error {
	e := plugins.Errorf(plugins.BadInput, "%s is refused by the configuration", what)
	e.Hint = "http in weft.yaml"
	return e
}

// checkConnect is asked when all is resolved and nothing is sent yet.
func (p Policy) checkConnect(address string, named bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("no address: %w", err)
	}
	return p.check(at.Addr(), named)
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
