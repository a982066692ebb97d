package spec

import (
	"bytes"
	"strings"
)

// YAML 1.2 has two line breaks, LF and CR. yaml.v3, which reads YAML 1.1 too, also ends a line at NEL, LS and PS, which
// editors show as letters: a text with one would fall apart, and all that stands below it would be counted wrong. So it
// gets characters of private use in their place, that take as many columns, and what was read gets them back.

var (
	toStandIns   = strings.NewReplacer("\u0085", "\U0010f085", "\u2028", "\U0010f828", "\u2029", "\U0010f829")
	fromStandIns = strings.NewReplacer("\U0010f085", "\u0085", "\U0010f828", "\u2028", "\U0010f829", "\u2029")
)

// standIn replaces the breaks that are none; was tells whether there are any.
func standIn(src []byte) (text []byte, was bool) {
	if !bytes.Contains(src, []byte("\u0085")) && !bytes.Contains(src, []byte("\u2028")) && !bytes.Contains(src, []byte("\u2029")) {
		return src, false
	}
	return []byte(toStandIns.Replace(string(src))), true
}

// restore gives the text its own characters back, once it is read; no place changes.
func (d *DAG) restore() {
	if s := d.src; s.stood {
		s.raw = fromStandIns.Replace(s.raw)
		s.cut(fromStandIns.Replace(s.body))
		s.marks = nil
	}
}

// unreplace gives what is told of a file its own characters back.
func (d *DAG) unreplace() {
	if !d.src.stood {
		return
	}
	for _, diag := range d.diags {
		diag.Message, diag.Label = fromStandIns.Replace(diag.Message), fromStandIns.Replace(diag.Label)
		diag.was, diag.now = fromStandIns.Replace(diag.was), fromStandIns.Replace(diag.now)
		for i := range diag.Notes {
			diag.Notes[i].Text = fromStandIns.Replace(diag.Notes[i].Text)
		}
		for i := range diag.Related {
			diag.Related[i].Text = fromStandIns.Replace(diag.Related[i].Text)
		}
		for i := range diag.Edits {
			diag.Edits[i].Text = fromStandIns.Replace(diag.Edits[i].Text)
		}
	}
}
