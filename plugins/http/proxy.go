package http

import (
	"net/netip"
	"net/url"
	"strings"

	"weft/plugins"
)

// A proxies is what an environment says about proxies, read as most programs read it: HTTP_PROXY and
// HTTPS_PROXY by the scheme of the URL, NO_PROXY for those without. Names in lower case count too,
// and first. Loopback never goes through one.
type proxies struct {
	http, https string
	except      []string // lower case
}

// proxiesOf reads an environment, K=V, of which the last of a name counts.
func proxiesOf(env []string) proxies {
	get := func(name string) string {
		lower, upper := "", ""
		for _, kv := range env {
			switch key, value, _ := strings.Cut(kv, "="); key {
			case strings.ToLower(name):
				lower = value
			case name:
				upper = value
			}
		}
		if lower != "" {
			return lower
		}
		return upper
	}
	p := proxies{http: get("HTTP_PROXY"), https: get("HTTPS_PROXY")}
	for _, one := range strings.Split(strings.ToLower(get("NO_PROXY")), ",") {
		if one = strings.TrimSpace(one); one != "" {
			p.except = append(p.except, one)
		}
	}
	return p
}

// of returns the proxy for a URL, nil if there is none.
func (p proxies) of(u *url.URL) (*url.URL, error) {
	text := p.http
	if u.Scheme == "https" {
		text = p.https
	}
	if text == "" || p.spares(u) {
		return nil, nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	// Its errors quote nothing: a proxy's URL holds a password more often than not.
	proxy, err := url.Parse(text)
	if err != nil || proxy.Hostname() == "" || !goodPort(proxy) {
		return nil, plugins.Errorf(plugins.BadInput, "the proxy that the environment names for %s is no URL", u.Scheme)
	}
	switch proxy.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, plugins.Errorf(plugins.BadInput, "the proxy that the environment names for %s is of an unknown kind", u.Scheme)
	}
	// A proxy is handed a name as it stands in DNS. What becomes of other letters must not be
	// decided behind the policy's back: fullwidth digits become an address.
	if strings.IndexFunc(u.Hostname(), func(r rune) bool { return r >= 0x80 }) >= 0 {
		e := plugins.Errorf(plugins.BadInput, "the host holds letters that a proxy does not take")
		e.Hint = "write it as DNS has it, xn--…"
		return nil, e
	}
	return proxy, nil
}

// spares tells whether a URL is reached without a proxy.
func (p proxies) spares(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	addr, isAddr := literal(host)
	if host == "localhost" || isAddr && addr.Unmap().IsLoopback() {
		return true
	}
	for _, one := range p.except {
		if one == "*" {
			return true
		}
		if prefix, err := netip.ParsePrefix(one); err == nil {
			if isAddr && prefix.Contains(addr.Unmap().WithZone("")) {
				return true
			}
			continue
		}
		if named(one, host, port(u), addr) {
			return true
		}
	}
	return false
}

// named tells whether an entry of NO_PROXY is about a host: an address, or a name that stands for
// itself and all below it (with a dot before it: all below it), either with a port or without.
func named(entry, host, port string, addr netip.Addr) bool {
	if a, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		return a == addr
	}
	if i := strings.LastIndexByte(entry, ':'); i >= 0 {
		if entry[i+1:] != port {
			return false
		}
		entry = entry[:i]
		if a, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
			return a == addr
		}
	}
	entry = strings.TrimPrefix(entry, "*")
	if strings.HasPrefix(entry, ".") {
		return strings.HasSuffix(host, entry)
	}
	return entry != "" && (host == entry || strings.HasSuffix(host, "."+entry))
}
