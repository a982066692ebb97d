package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// A Reach is what may be reached over a network, and what not. Its places are checked in their form
// here; what they mean is for the plugin to say.
type Reach struct{ Allow, Refuse []string }

// reachWords stand for networks.
var reachWords = []string{"loopback", "private", "link-local"}

// reach reads {allow: […], refuse: […]}.
func (t *tree) reach(s Setting, n *yaml.Node) {
	const form = ": write {allow: [...], refuse: [...]}"
	if !t.is(n, yaml.MappingNode, s.Key+form) {
		return
	}
	t.each(n, func(key, list *yaml.Node) {
		into := map[string]*[]string{"allow": &t.loader.conf.HTTP.Allow, "refuse": &t.loader.conf.HTTP.Refuse}[key.Value]
		switch what := s.Key + "." + key.Value; {
		case strings.HasPrefix(key.Value, "x-"):
		case into == nil:
			t.problem(key, fmt.Sprintf("there is no setting %q%s", what, oneOf(what, []string{s.Key + ".allow", s.Key + ".refuse"})))
		case t.is(list, yaml.SequenceNode, what+": write a list of places, such as [loopback, 10.0.0.0/8]"):
			t.places(what, list, into)
		}
	})
}

func (t *tree) places(what string, list *yaml.Node, into *[]string) {
	for _, n := range list.Content {
		if !t.is(n, yaml.ScalarNode, what+": write one place an item") {
			continue
		}
		if why := wrongPlace(n.Value); why != "" {
			t.problem(n, fmt.Sprintf("%s: %q %s", what, n.Value, why))
			continue
		}
		*into = append(*into, n.Value)
	}
}

// hostForm is a host's name as DNS has it; *. before it is all below it. What inet_aton takes for an
// address is none.
var hostForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$`)
})

// wrongPlace says what is wrong with a place, "" = nothing. A word that is misspelt would be the name of
// a host that nobody asks for, and what was meant to be closed would stand open.
func wrongPlace(text string) string {
	const what = "is none of loopback, private, link-local, an address (10.1.2.3), a network (10.0.0.0/8), a host (api.example.com, *.example.com)"
	if slices.Contains(reachWords, text) {
		return ""
	}
	if net, err := netip.ParsePrefix(text); err == nil {
		switch {
		case net.Addr().Is4In6():
			return "is an IPv4 network: write it as one"
		case net != net.Masked():
			return "is no network: write " + net.Masked().String()
		}
		return ""
	}
	if a, err := netip.ParseAddr(text); err == nil {
		if a.Zone() != "" {
			return "is no address: leave out what follows the %"
		}
		return ""
	}
	labels := strings.Split(strings.TrimSuffix(text, "."), ".")
	if !hostForm().MatchString(text) || len(text) > 254 || numeric(labels[len(labels)-1]) {
		return what + didYouMean(text, reachWords)
	}
	if near := didYouMean(text, reachWords); near != "" && len(labels) == 1 && !strings.HasSuffix(text, ".") {
		return fmt.Sprintf("is no word for a network%s (a host of that name is %q)", near, text+".")
	}
	return ""
}

// numeric tells whether the last part of a name makes it an address to some resolvers: 127.1, 0x7f.1.
func numeric(label string) bool {
	hex, prefixed := strings.CutPrefix(strings.ToLower(label), "0x")
	digits := "0123456789"
	if prefixed {
		digits += "abcdef"
	}
	return strings.Trim(hex, digits) == ""
}
