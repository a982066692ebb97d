package config

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// severityWords are what a diagnostic may be set to.
var severityWords = []string{"off", "info", "warning", "error"}

// severities reads a map of diagnostics' codes to severities. Which codes there are, and which may be
// set, Source.Code knows.
func (t *tree) severities(s Setting, n *yaml.Node) {
	if !t.is(n, yaml.MappingNode, s.Key+": write a map of codes to off, info, warning or error, such as {R501: off}") {
		return
	}
	t.each(n, func(code, word *yaml.Node) {
		if strings.HasPrefix(code.Value, "x-") {
			return
		}
		if ask := t.loader.src.Code; ask != nil {
			if err := ask(code.Value); err != nil {
				t.problem(code, fmt.Sprintf("%s: %v", s.Key, err))
				return
			}
		}
		if t.is(word, yaml.ScalarNode, fmt.Sprintf("%s.%s: write off, info, warning or error", s.Key, code.Value)) {
			t.take(word, func(c *Config, v text) error {
				set := ""
				if err := setChoice(func(*Config) *string { return &set }, severityWords...)(c, v); err != nil {
					return fmt.Errorf("%s.%s: %w", s.Key, code.Value, err)
				}
				c.Diagnostics[code.Value] = set
				return nil
			})
		}
	})
}
