package spec

import (
	"regexp"
	"slices"
	"strings"
)

// fragmentFault reports a fragment that is no JSON Schema, at the keyword that makes it none.
func (d *DAG) fragmentFault(n *Node, what string, err error) {
	say := unwrapVoice(err).Error()
	where, _, _ := strings.Cut(say, " ")
	path := strings.Split(where, ".")
	value, key := n.deepest(path)
	if value == n || key == nil || key.Text != path[len(path)-1] { // the words name no place
		d.report(sSchema, d.span(n), "%s has no valid schema: %s", what, say)
		return
	}
	at := value
	if value.Kind != Scalar || value.Empty() {
		at = key
	}
	if key.Text == "pattern" && strings.HasSuffix(say, " is wrong") {
		say = where + " " + patternFault(value.Text)
	}
	diag := d.report(sSchema, d.span(at), "%s has no valid schema: %s", what, say)
	switch {
	case key.Text == "required" && len(path) == 1 && strings.HasPrefix(what, "the param"):
		diag.help("leave it out: a param without a `default` must be given. `required` lists members of a map: `required: [day]`")
	case key.Text == "required":
		diag.help("`required` lists members of a map, beside its `properties`: `required: [day]`")
	case key.Text == "pattern" && lookaround(value.Text):
		diag.help("(?= and its like are not there: patterns are those of RE2")
	}
}

// patternFault says what is wrong with a regular expression.
func patternFault(text string) string {
	_, err := regexp.Compile(text)
	if err == nil {
		return "is wrong"
	}
	_, say, _ := strings.Cut(err.Error(), "error parsing regexp: ")
	return "cannot be read: " + say
}

func lookaround(text string) bool {
	return slices.ContainsFunc([]string{"(?=", "(?!", "(?<=", "(?<!"}, func(s string) bool { return strings.Contains(text, s) })
}
