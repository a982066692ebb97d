package diag

import (
	"io"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"weft/spec"
)

// Diff writes what fixes change in a file as a unified diff, which `patch -p1` and `git apply` read. What ds
// say is a secret is masked, and then they cannot.
func Diff(w io.Writer, file string, before, after []byte, ds []spec.Diagnostic, o Options) error {
	text := udiff.Unified("a/"+file, "b/"+file, string(before), string(after))
	text = maskOf(secretsOf(file, before, masks(ds))).over(text)
	if !o.Color {
		return write(w, text)
	}
	r := renderer{o: o}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		look := ""
		switch {
		case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
			look = bold
		case strings.HasPrefix(line, "@@"):
			look = cyan
		case strings.HasPrefix(line, "+"):
			look = green
		case strings.HasPrefix(line, "-"):
			look = red
		}
		r.out.WriteString(r.paint(look, visible(line)) + "\n")
	}
	return write(w, r.out.String())
}
