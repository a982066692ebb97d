package spec

import (
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// Standard output and error of a process are the attempt's log file itself. To open /dev/stderr by
// `>` is to open that file anew and cut it to nothing, with all that was logged so far; `>&2` only
// copies the descriptor. Where the stream may be something else, a pipe or another file, nothing is
// said.

// streams are the names of a process's own output and error among files, by descriptor.
var streams = map[string]string{
	"/dev/stdout": "1", "/dev/fd/1": "1", "/proc/self/fd/1": "1",
	"/dev/stderr": "2", "/dev/fd/2": "2", "/proc/self/fd/2": "2",
}

// truncations warns of redirections that cut the log.
func (d *DAG) truncations(u *use, file *syntax.File) {
	if text := u.node.Text; !strings.Contains(text, "/dev/") && !strings.Contains(text, "/proc/") || bindsItself(file) {
		return
	}
	var stack []syntax.Node
	syntax.Walk(file, func(n syntax.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		stmt, ok := n.(*syntax.Stmt)
		if !ok {
			return true
		}
		for i, r := range stmt.Redirs {
			fd := streams[plainText(r.Word)]
			if fd != "" && slices.Contains([]syntax.RedirOperator{syntax.RdrOut, syntax.RdrClob, syntax.RdrAll}, r.Op) &&
				!redirected(stmt.Redirs[:i], fd) && stillLog(stack, fd) {
				d.truncation(u, r, fd)
			}
		}
		return true
	})
}

func (d *DAG) truncation(u *use, r *syntax.Redirect, fd string) {
	from, to := int(r.Pos().Offset()), int(r.Word.End().Offset())
	text := u.node.Text[from:to]
	instead := ">&" + fd
	switch {
	case r.Op == syntax.RdrAll && fd == "1":
		instead = "2>&1"
	case r.Op != syntax.RdrAll && r.N != nil:
		instead = r.N.Value + instead
	}
	off := utf8.RuneCountInString(u.node.Text[:from])
	d.report(rTruncate, d.within(u.node, off, utf8.RuneCountInString(text)), "`%s` empties the log: standard output and error are the log file itself", text).
		instead(text, instead)
}

// stillLog tells whether a descriptor is the log inside all that is open around a statement: the
// output of a substitution or of the left side of a pipe is a pipe, and a statement around it may
// have a redirection of its own.
func stillLog(stack []syntax.Node, fd string) bool {
	for i := len(stack) - 2; i >= 0; i-- {
		switch p := stack[i].(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst:
			if fd == "1" {
				return false
			}
		case *syntax.BinaryCmd:
			if left := syntax.Node(p.X) == stack[i+1]; left && (p.Op == syntax.PipeAll || p.Op == syntax.Pipe && fd == "1") {
				return false
			}
		case *syntax.CoprocClause:
			return false
		case *syntax.Stmt:
			if redirected(p.Redirs, fd) {
				return false
			}
		}
	}
	return true
}

// redirected tells whether a descriptor is bound anew by some redirections.
func redirected(list []*syntax.Redirect, fd string) bool {
	return slices.ContainsFunc(list, func(r *syntax.Redirect) bool {
		switch {
		case r.Op == syntax.RdrAll || r.Op == syntax.AppAll:
			return true
		case r.N != nil:
			return r.N.Value == fd
		}
		return fd == "1" && slices.Contains([]syntax.RedirOperator{syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.DplOut}, r.Op)
	})
}

// bindsItself tells whether a script binds its own streams anew (`exec > file`): from then on nobody
// knows what they are. `exec 2>&1` leaves them the log.
func bindsItself(file *syntax.File) bool {
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		if stmt, ok := n.(*syntax.Stmt); ok && !found {
			call, ok := stmt.Cmd.(*syntax.CallExpr)
			found = ok && len(call.Args) > 0 && call.Args[0].Lit() == "exec" &&
				slices.ContainsFunc(stmt.Redirs, func(r *syntax.Redirect) bool { return r.Op != syntax.DplOut })
		}
		return !found
	})
	return found
}

// plainText is the text of a word in which nothing is replaced, quoted or not; "" of any other.
func plainText(word *syntax.Word) string {
	if word == nil {
		return ""
	}
	var b strings.Builder
	for _, part := range word.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return ""
				}
				b.WriteString(lit.Value)
			}
		default:
			return ""
		}
	}
	return b.String()
}
