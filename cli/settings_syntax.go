package cli

import (
	"weft/config"
	"weft/spec"
)

// settingsSyntax says what is wrong with settings that are no YAML, in the words that a DAG file gets.
func settingsSyntax(src []byte) (line, column int, text string) {
	_, found := spec.Parse(config.FileName, src, spec.Options{})
	for _, d := range found {
		if !spec.Unread(d.Code) {
			continue
		}
		text = d.Message
		for _, n := range d.Notes {
			if n.Kind != "note" {
				text += "; " + n.Text
			}
		}
		return d.Line, d.Column, text
	}
	return 0, 0, ""
}
