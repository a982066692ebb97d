package diag

import (
	"fmt"
	"io"
	"strings"

	"weft/spec"
)

// GitHub writes a workflow command for each diagnostic, which GitHub Actions shows beside the line:
//
//	::error file=dags/a.yaml,line=14,endLine=14,col=13,endColumn=17,title=G201::task "count" needs …
//
// (docs.github.com, "Workflow commands for GitHub Actions"; the runner's ActionCommand.cs escapes so.)
// Columns are given only within one line, as the runner takes them.
func GitHub(w io.Writer, ds []spec.Diagnostic, o Options) error {
	ds = conceal(ds, o)
	var out strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&out, "::%s file=%s", githubWords[d.Severity], property(visible(o.path(d.File))))
		if d.Line > 0 {
			fmt.Fprintf(&out, ",line=%d", d.Line)
			if d.EndLine >= d.Line {
				fmt.Fprintf(&out, ",endLine=%d", d.EndLine)
			}
			if d.Column > 0 && d.EndLine == d.Line && d.EndColumn >= d.Column {
				fmt.Fprintf(&out, ",col=%d,endColumn=%d", d.Column, d.EndColumn)
			}
		}
		if d.Code != "" {
			fmt.Fprintf(&out, ",title=%s", property(d.Code))
		}
		fmt.Fprintf(&out, "::%s\n", data(whole(d, o)))
	}
	return write(w, out.String())
}

// githubWords are the commands; a severity that is none is an error's.
var githubWords = map[spec.Severity]string{spec.Error: "error", spec.Warning: "warning", spec.Info: "notice", "": "error"}

// data and property escape what would end a message, or a property.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}

// whole is all that a diagnostic says, for whoever shows no snippet: the message with its label, then a
// line for each other place and each note.
func whole(d spec.Diagnostic, o Options) string {
	var out strings.Builder
	out.WriteString(visible(d.Message))
	if d.Label != "" {
		fmt.Fprintf(&out, " (%s)", visible(d.Label))
	}
	for _, r := range d.Related {
		file := r.File
		if file == "" {
			file = d.File
		}
		fmt.Fprintf(&out, "\n%s: %s", place(o.path(file), r.Line, r.Column), visible(r.Text))
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&out, "\n%s: %s", n.Kind, visible(n.Text))
	}
	return out.String()
}
