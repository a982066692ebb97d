package spec

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// commented tells whether a plain value is followed by a comment on its line.
func (d *DAG) commented(n *Node) bool {
	at := d.span(n)
	if n.Kind != Scalar || n.Quote != Plain || at.EndLine != at.Line {
		return false
	}
	l := d.src.line(at.Line)
	from := at.EndCol - 1
	if n.Empty() {
		from = at.Col - 1
	}
	return strings.HasPrefix(strings.TrimLeft(string(l[min(from, len(l)):]), " \t"), "#")
}

// interpreter is the program that the first line of a script names, "" if it names none, or a shell that reads it anyway.
func interpreter(script string) (line, program string) {
	line, _, _ = strings.Cut(script, "\n")
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	if !strings.HasPrefix(line, "#!") || len(words) == 0 {
		return line, ""
	}
	program = path.Base(words[0])
	if program == "env" {
		rest := slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "-") || strings.Contains(w, "=") })
		if len(rest) == 0 {
			return line, ""
		}
		program = path.Base(rest[0])
	}
	if slices.Contains([]string{"sh", "bash", "dash", "ksh"}, program) {
		return line, ""
	}
	return line, program
}

// otherProgram reports a script that a shell cannot read and that says for whom it is.
func (d *DAG) otherProgram(u *use, shell string) bool {
	line, program := interpreter(u.node.Text)
	if program == "" || u.task.get("shell") != nil {
		return false
	}
	diag := d.report(xShell, d.within(u.node, 0, utf8.RuneCountInString(line)), "%s reads this script, and its first line is for %s", shell, cut(program, 40)).
		help("write `shell: [%s, \"{0}\"]` beside `run`", cut(program, 40))
	if strings.HasPrefix(program, "python") {
		diag.help("or `uses: python`, and the script as `code` under `with`")
	}
	return true
}

// shellError reports a syntax error where the parser saw it, in the file's coordinates.
func (d *DAG) shellError(u *use, at int, msg string, lang syntax.LangVariant) {
	name := "bash"
	if lang == syntax.LangPOSIX {
		name = "sh"
	}
	if d.otherProgram(u, name) {
		return
	}
	diag := d.report(xShell, d.within(u.node, utf8.RuneCountInString(u.node.Text[:at]), 1), "%s cannot read this script: %s", name, msg)
	if d.commented(u.node) {
		diag.help("to YAML ` #` begins a comment, and the script ends there: write it on the lines below `run: |`, or quote all of it")
	}
}
