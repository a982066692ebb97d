package spec

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"weft/expr"
)

// A `run` list is one program and its arguments. Who takes it for a list of commands, as other tools have one, or
// writes what only a shell reads into it, is told. Nearly any word may be meant for the program, so only what is
// certain is told of.

// shellOperators are words that a shell reads; some programs take them as they are.
var shellOperators = strings.Fields("| || && ; < > >> & |& 2> &>")

// takesOperators are programs to whom such words are patterns, separators or operators of their own.
var takesOperators = strings.Fields("[ test expr find grep egrep fgrep rg ag ack tr sed jq yq cut sort column paste join split printf bc dc let awk gawk perl sqlite3 psql mysql curl python python3 ruby node")

// readOperators are programs that give their arguments to a shell, perhaps behind another.
var readOperators = strings.Fields("sh bash dash zsh ksh fish busybox ssh docker podman kubectl xargs parallel nu pwsh su eval tmux watch")

// redirect is a redirection in one word that nobody else means.
var redirect = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[012]?>>?&[12]|(?:[012]|&)?>>?/dev/null|[12]>>?[A-Za-z0-9_./-]+)$`)
})

// command is what a program's name looks like.
var command = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_./~][A-Za-z0-9_./-]*$`) })

// unquoted is a word that means the same to a shell.
var unquoted = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_./=:,@%+-]+$`) })

// argvWords warns of a program whose name is a whole command, else of the first word that only a shell would read.
func (d *DAG) argvWords(items []*Node) {
	if len(items) == 0 || slices.ContainsFunc(items, func(it *Node) bool { return it.Kind != Scalar || it.bad }) || expr.HasExpr(items[0].Text) {
		return
	}
	program := items[0].Text
	if name, _, more := strings.Cut(strings.TrimSpace(program), " "); more && command().MatchString(name) && !strings.Contains(name, "/") {
		d.reportAs(Warning, expr.CodeForeign, d.span(items[0]), "a list is one program and its arguments, and no program is called %q", cut(program, 40)).
			help("%s", asText(items))
		return
	}
	reads := func(n *Node) bool { return slices.Contains(readOperators, path.Base(n.Text)) }
	if slices.Contains(takesOperators, path.Base(program)) || slices.ContainsFunc(items[:min(3, len(items))], reads) {
		return
	}
	for i, it := range items[1:] {
		if !d.shellWord(items, i+1) {
			continue
		}
		d.reportAs(Warning, expr.CodeForeign, d.span(it), "no shell reads this list: %s is an argument of %s like others", it.Text, cut(path.Base(program), 40)).
			help("%s", asText(items))
		return
	}
}

// shellWord tells whether the i-th word of a list is one for a shell: not the value of an option, and what follows it
// is a command, or a file.
func (d *DAG) shellWord(items []*Node, i int) bool {
	word := items[i].Text
	if len(word) > 80 || strings.HasPrefix(items[i-1].Text, "-") {
		return false
	}
	if redirect().MatchString(word) {
		return true
	}
	return slices.Contains(shellOperators, word) && (word == "&" || i+1 < len(items) && command().MatchString(items[i+1].Text))
}

// asText says how the words of a list are written as a script.
func asText(items []*Node) string {
	words := make([]string, len(items))
	commands := true // each word is one
	for i, it := range items {
		words[i] = it.Text
		commands = commands && strings.Contains(strings.TrimSpace(it.Text), " ")
	}
	sep := " "
	if commands {
		sep = " && "
	}
	text := strings.Join(words, sep)
	wants := func(it *Node) bool { // quotes
		return !unquoted().MatchString(it.Text) && !slices.Contains(shellOperators, it.Text) && !redirect().MatchString(it.Text)
	}
	if len(text) > 60 || !commands && slices.ContainsFunc(items[1:], wants) || strings.ContainsAny(text, "\n\"'#:{}\\") || strings.ContainsAny(text[:1], "[&*!|>%@`-?,") {
		return "write it as text, which a shell reads: `run: …`"
	}
	return "write it as text, which a shell reads: `run: " + text + "`"
}
