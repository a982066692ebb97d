package http

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
)

// Places are hosts and networks, as the configuration lists them.
type Places struct {
	Nets  []netip.Prefix
	Names []string // lower case; *.example.com is all below example.com
}

// words stand for networks.
var words = map[string][]netip.Prefix{
	"loopback":   {netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	"link-local": linkLocal,
	"private": {
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("100.64.0.0/10"), // shared by carriers, clusters and overlays
		netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fec0::/10"),
	},
}

// ParsePlaces reads what the configuration lists: loopback, private, link-local, an address, a network,
// a host's name. What is in doubt is refused, as a place that is misread is one that stands open.
func ParsePlaces(list []string) (Places, error) {
	var p Places
	for _, text := range list {
		switch nets, known := words[text]; {
		case known:
			p.Nets = append(p.Nets, nets...)
		default:
			if err := p.add(text); err != nil {
				return Places{}, fmt.Errorf("cannot use %q as a place of http: %w", text, err)
			}
		}
	}
	return p, nil
}

// nameForm is a host's name; what it admits and DNS does not matches nobody.
var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$`) })

func (p *Places) add(text string) error {
	if net, err := netip.ParsePrefix(text); err == nil {
		if net.Addr().Is4In6() {
			return fmt.Errorf("it is an IPv4 network in IPv6's clothes")
		}
		p.Nets = append(p.Nets, net.Masked())
		return nil
	}
	if a, err := netip.ParseAddr(text); err == nil {
		if a.Zone() != "" {
			return fmt.Errorf("it has a zone")
		}
		a = a.Unmap()
		p.Nets = append(p.Nets, netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	name := plainName(text)
	if _, odd := literal(name); odd || !nameForm().MatchString(name) {
		return fmt.Errorf("it is neither an address, a network nor a host's name")
	}
	p.Names = append(p.Names, name)
	return nil
}

// names tells whether a host is listed by its name.
func (p Places) names(host string) bool {
	host = plainName(host)
	for _, name := range p.Names {
		if below, ok := strings.CutPrefix(name, "*"); ok && strings.HasSuffix(host, below) || host == name {
			return true
		}
	}
	return false
}

// plainName is a name as it is compared: DNS knows neither case nor the dot at the end.
func plainName(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }
