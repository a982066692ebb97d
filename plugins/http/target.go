package http

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"weft/plugins"
)

// parseURL reads a URL. Its errors quote nothing of it: what makes one unreadable is often a
// password with a slash in it.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	why, hint := "", ""
	switch {
	case err != nil:
		why, hint = "it is no URL", "write it as https://host/path, with %XX for what cannot stand in one"
	case u.Scheme != "http" && u.Scheme != "https":
		why = "it begins with neither http:// nor https://"
	case u.User != nil:
		why, hint = "it holds a user or a password", "use auth: {basic: {username, password}}"
	case u.Hostname() == "":
		why = "it names no host"
	case !goodPort(u):
		why = "its port is none"
	default:
		settle(u)
		return u, nil
	}
	e := plugins.Errorf(plugins.BadInput, "cannot use url: %s", why)
	e.Hint = hint
	return nil, e
}

// settle makes of a URL what is sent: without the fragment, which is not for the server, and with
// %XX for what cannot stand in it. What is written as %XX stays so: %2F is no slash.
func settle(u *url.URL) {
	u.Fragment, u.RawFragment = "", ""
	u.RawQuery = escape(u.RawQuery)
	if u.RawPath != "" { // else its path has one spelling, which net/url knows
		u.RawPath = escape(u.RawPath)
	}
}

// escape writes %XX for each byte that cannot stand in a path or a query.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', strings.IndexByte("-_.~!$&'()*+,;=:@/?[]%", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func goodPort(u *url.URL) bool {
	if u.Port() == "" {
		return true
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}

// port is the port of a URL, that of its scheme if it says none.
func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// maxShown is how many characters of a URL or a body a message shows.
const maxShown = 200

// show is a URL as messages name it. A query often holds a key; it stays out.
func show(u *url.URL) string {
	text := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		text += "?…"
	}
	return shorten(text)
}

// shorten makes one short line of a text, without what would steer a terminal.
func shorten(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if runes := []rune(text); len(runes) > maxShown {
		text = string(runes[:maxShown]) + "…"
	}
	return text
}
