package diag

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"weft/spec"
)

// secretCodes are the rules that point at a secret in the file.
var secretCodes = map[string]bool{"X601": true, "X602": true}

// masks gathers the places of secrets, by file and line: other diagnostics must not show them either.
func masks(ds []spec.Diagnostic) map[string]map[int][]stretch {
	out := map[string]map[int][]stretch{}
	for _, d := range ds {
		if !secretCodes[d.Code] {
			continue
		}
		if out[d.File] == nil {
			out[d.File] = map[int][]stretch{}
		}
		for n := d.Line; n <= max(d.EndLine, d.Line) && n < d.Line+1000; n++ {
			s := stretch{1, 1 << 30}
			if n == d.Line {
				s.from = d.Column
			}
			if n == d.EndLine {
				s.to = d.EndColumn
			}
			out[d.File][n] = append(out[d.File][n], s)
		}
	}
	return out
}

// leastSecret is how long a text is that is masked wherever it stands: a shorter one is part of other words.
const leastSecret = 4

// secretsOf returns what stands in the masked places of a file.
func secretsOf(file string, src []byte, hidden map[string]map[int][]stretch) []string {
	var found []string
	lines := splitLines(src)
	for n, list := range hidden[file] {
		if n < 1 || n > len(lines) {
			continue
		}
		runes := []rune(lines[n-1])
		for _, s := range list {
			from := min(max(s.from-1, 0), len(runes))
			secret := strings.TrimSpace(string(runes[from:min(max(s.to-1, from), len(runes))]))
			for _, text := range []string{secret, strings.Trim(secret, `"'`)} {
				if len(text) >= leastSecret && !slices.Contains(found, text) {
					found = append(found, text)
				}
			}
		}
	}
	return found
}

// A mask puts stars in the place of secrets, one a character: what stands behind stays in its column. The
// longest comes first, for one may be part of another. nil masks nothing.
type mask []string

func maskOf(secrets []string) mask {
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(secrets)
}

// over is a text with the mask on. It is done one by one: a Replacer's time grows with the product of the
// lengths, and a file may call a line of a mebibyte a secret.
func (m mask) over(text string) string {
	for _, secret := range m {
		if strings.Contains(text, secret) {
			text = strings.ReplaceAll(text, secret, strings.Repeat("*", utf8.RuneCountInString(secret)))
		}
	}
	return text
}

// masker returns what masks every text that is found to be a secret, in any file.
func masker(ds []spec.Diagnostic, o Options) mask {
	hidden := masks(ds)
	if len(hidden) == 0 || o.Source == nil {
		return nil
	}
	var secrets []string
	for file := range hidden {
		secrets = append(secrets, secretsOf(file, o.Source(file), hidden)...)
	}
	return maskOf(secrets)
}

// conceal masks what was found to be a secret in the words of every diagnostic; the words of most hold
// none, whatever the file says.
func conceal(ds []spec.Diagnostic, o Options) []spec.Diagnostic {
	m := masker(ds, o)
	if m == nil {
		return ds
	}
	out := slices.Clone(ds)
	for i, d := range out {
		out[i].Message, out[i].Label = m.over(d.Message), m.over(d.Label)
		out[i].Notes, out[i].Related = slices.Clone(d.Notes), slices.Clone(d.Related)
		for k := range out[i].Notes {
			out[i].Notes[k].Text = m.over(d.Notes[k].Text)
		}
		for k := range out[i].Related {
			out[i].Related[k].Text = m.over(d.Related[k].Text)
		}
	}
	return out
}
