package spec

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"weft/expr"
)

// ruleSecretInFile warns of what must not stand in a file that is shared: keys and tokens that are known by their
// looks, passwords in URLs, and values under names that say so. It never repeats what it found; whoever shows the
// line masks it (package diag).
//
// The file is read as it stands, comments too: a key that is commented out is as public as one that is not.
func ruleSecretInFile(d *DAG) {
	urls := d.src.has("://")
	if len(d.shapesHere()) > 0 || urls {
		for n := 1; n <= d.src.count(); n++ {
			if line := d.src.lineText(n); len(line) >= shortestSecret {
				d.secretsOfLine(n, line, urls)
			}
		}
	}
	d.namedSecrets(d.root, nil, map[*Node]bool{})
}

// shortestSecret is the least that a line with a secret has, in characters: a://b:c@d.
const shortestSecret = 8

// A shape is what a secret of some kind looks like. mark is a part that each has, so that lines without it cost no
// more than a search for it.
type shape struct {
	mark, what string
	re         func() *regexp.Regexp // the secret is its first group, or all of it
}

func looks(re string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(re) })
}

var shapes = []shape{
	{"AKIA", "an access key of AWS", looks(`\b(AKIA[0-9A-Z]{16})\b`)},
	{"ASIA", "an access key of AWS", looks(`\b(ASIA[0-9A-Z]{16})\b`)},
	{"gh", "a token of GitHub", looks(`\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b`)},
	{"glpat-", "a token of GitLab", looks(`\b(glpat-[A-Za-z0-9_-]{20,})`)},
	{"xox", "a token of Slack", looks(`\b(xox[abeprs]-[A-Za-z0-9-]{10,})`)},
	{"hooks.slack.com", "a webhook of Slack", looks(`hooks\.slack\.com/services/(T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{16,})`)},
	{"PRIVATE KEY", "a private key", looks(`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----`)},
	{"AIza", "a key of Google's", looks(`\b(AIza[0-9A-Za-z_-]{35})`)},
	{"_live_", "a key of Stripe's", looks(`\b([sr]k_live_[0-9A-Za-z]{16,})`)},
	{"npm_", "a token of npm", looks(`\b(npm_[A-Za-z0-9]{36})\b`)},
	{"eyJ", "a signed token (JWT)", looks(`\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})`)},
}

// passwordInURL is scheme://user:password@host, without what only stands for a password: $X, ${{ x }}, {x}, <x>.
var passwordInURL = looks(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/@"'${}<>%*]+)@`)

func (d *DAG) secretsOfLine(n int, text string, urls bool) {
	for _, s := range d.shapesHere() {
		if !strings.Contains(text, s.mark) {
			continue
		}
		for _, m := range s.re().FindAllStringSubmatchIndex(text, -1) {
			from, to := group(m)
			if found := text[from:to]; !strings.Contains(found, "EXAMPLE") {
				d.report(xSecretHere, runeSpan(n, text, from, to), "%s stands in the file", s.what).help("%s", keepOutside)
			}
		}
	}
	if !urls || !strings.Contains(text, "://") || !strings.Contains(text, "@") {
		return
	}
	for _, m := range passwordInURL().FindAllStringSubmatchIndex(text, -1) {
		from, to := group(m)
		if !placeholder(text[from:to]) {
			d.report(xPassword, runeSpan(n, text, from, to), "a password stands in this URL").help("%s", keepOutside)
		}
	}
}

const keepOutside = "keep it outside and write ${{ secrets.NAME }}: a variable WEFT_SECRET_NAME, a file, or a store of AWS has the value"

// shapesHere are those whose mark the file has: mostly none.
func (d *DAG) shapesHere() []shape {
	if d.shapes == nil {
		d.shapes = []shape{}
		for _, s := range shapes {
			if d.src.has(s.mark) {
				d.shapes = append(d.shapes, s)
			}
		}
	}
	return d.shapes
}

// group is the first group of a match, else the whole of it.
func group(m []int) (from, to int) {
	if len(m) > 3 && m[2] >= 0 {
		return m[2], m[3]
	}
	return m[0], m[1]
}

// runeSpan is the stretch of some bytes of a line.
func runeSpan(line int, text string, from, to int) Span {
	col := utf8.RuneCountInString(text[:from]) + 1
	return Span{line, col, line, col + utf8.RuneCountInString(text[from:to])}
}

// secretName is a name that says its value is secret, password one that says which kind.
var (
	secretName = looks(`(?i)(?:^|[._-]|[a-z])(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)$`)
	password   = looks(`(?i)(?:password|passwd)$`)
)

// namedSecrets looks at values in `env` and `with` by the names they stand under.
func (d *DAG) namedSecrets(n *Node, path []string, seen map[*Node]bool) {
	if n == nil || seen[n] {
		return
	}
	seen[n] = true
	for _, it := range n.Items() {
		d.namedSecrets(it, path, seen)
	}
	for _, f := range n.Fields() {
		if f.Value.Kind != Scalar {
			d.namedSecrets(f.Value, append(path, f.Key.Text), seen)
			continue
		}
		if toProcess(path) && secretName().MatchString(f.Key.Text) && secretValue(f.Key.Text, f.Value) && !d.knownShape(f.Value.Text) {
			d.report(xSecretHere, d.span(f.Value), "the value of %s stands in the file", cut(f.Key.Text, 40)).help("%s", keepOutside)
		}
	}
}

// knownShape tells what secretsOfLine has told of.
func (d *DAG) knownShape(text string) bool {
	return slices.ContainsFunc(d.shapesHere(), func(s shape) bool { return s.re().MatchString(text) })
}

// toProcess tells whether a path leads into `env` or `with`, where values reach processes and services.
func toProcess(path []string) bool {
	for _, p := range path {
		if p == "env" || p == "with" {
			return true
		}
	}
	return false
}

// secretValue tells whether a value may be a secret itself rather than the name of one. A password may be
// anything; of other secrets it is asked that they look made by a machine.
func secretValue(name string, v *Node) bool {
	text := v.Text
	if text == "" || strings.ContainsAny(text, " \n$<>{}*") || expr.HasExpr(text) || placeholder(text) || strings.Contains(text, "EXAMPLE") {
		return false
	}
	if strings.Contains(text, "/") {
		return base64Key().MatchString(text) && (len(text) == 40 && mixed(text) || slices.ContainsFunc(strings.Split(text, "/"), mixed))
	}
	if password().MatchString(name) {
		return true
	}
	letters, digits := strings.ContainsFunc(text, asciiLetter), strings.ContainsAny(text, "0123456789")
	return len(text) >= 12 && letters && digits
}

// base64Key is what a key with a / in it looks like, and no path does: those of AWS have 40 such characters.
var base64Key = looks(`^[A-Za-z0-9+][A-Za-z0-9+/]{19,}={0,2}$`)

// mixed tells whether a text holds small letters, capitals and digits, as nearly each 40 random characters do. The
// parts of a path are words: one of them seldom has all three.
func mixed(text string) bool {
	return len(text) >= 8 && strings.ContainsFunc(text, unicode.IsLower) && strings.ContainsFunc(text, unicode.IsUpper) && strings.ContainsAny(text, "0123456789")
}

func asciiLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// placeholder tells what stands for a password in examples.
func placeholder(s string) bool {
	switch strings.ToLower(strings.Trim(s, "_-.")) {
	case "", "password", "passwd", "pass", "secret", "token", "changeme", "change-me", "change_me", "example", "dummy", "test", "none", "null",
		"true", "false", "redacted", "todo", "yourpassword", "your-password", "your_password", "placeholder":
		return true
	}
	return strings.Trim(s, "xX.…") == ""
}
