package cli

import (
	"fmt"
	"strings"

	"weft/spec"
)

// settable says why a diagnostic's code cannot be set in weft.yaml; nil = it can.
func settable(code string) error {
	if _, ok := spec.PageOf(code); !ok {
		if near := spec.NearCodes(code); len(near) > 0 {
			return fmt.Errorf("there is no code %q; did you mean %s?", code, strings.Join(near, " or "))
		}
		return fmt.Errorf("there is no code %q", code)
	}
	if !spec.MayBeSilenced(code) {
		return fmt.Errorf("%s is an error, which keeps a DAG from running: it cannot be set", code)
	}
	return nil
}

// severities are the settings as the validator takes them.
func severities(set map[string]string) map[string]spec.Severity {
	out := make(map[string]spec.Severity, len(set))
	for code, s := range set {
		out[code] = spec.Severity(s)
	}
	return out
}
