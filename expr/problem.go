package expr

import "fmt"

// A Problem is one thing wrong with an expression, found without running it.
//
// The split of the codes:
//
//	E301  syntax: it cannot be read, or uses what the language leaves out (let, comments, methods)
//	E302  a ${{ that is never closed
//	E303  a name, member, function or state that is not known (here)
//	E304  a wrong number of arguments, an argument of the wrong kind, a text argument that cannot be
//	      read (date, duration, strftime, a regular expression)
//	E305  wrong types of operands; a value that is no boolean where truth is asked
//	E306  a list or map inside text
//	E307  Jinja, ${x}, or an operator of another language
//	E308  a predicate inside a predicate
//	G201  a task that does not exist
//
// Whether a task that is named is upstream is no matter of this package: see Info.Refs.
type Problem struct {
	Code        string
	Msg         string   // what is wrong, in the user's words
	Offset, Len int      // runes in the checked source
	Suggest     []string // near names, at most three
	Help        string   // what to write instead; may be empty
	Maybe       bool     // probably wrong, and may run all the same
}

// The codes of Problems.
const (
	CodeSyntax    = "E301"
	CodeNotClosed = "E302"
	CodeName      = "E303"
	CodeArgument  = "E304"
	CodeType      = "E305"
	CodeInText    = "E306"
	CodeForeign   = "E307"
	CodeNested    = "E308"
	CodeTask      = "G201"
)

// An Error is a failure of one expression while it ran, with its place in the source.
type Error struct {
	Msg    string // one line, "cannot …"
	Offset int    // runes in the source that was given
	Path   string // of RenderJSON: where the template stands in the tree ("uri", "list.0.name")
}

func (e *Error) Error() string { return e.Msg }

// asError turns the first problem of an expression into the failure of a run.
func (p Problem) asError() *Error {
	msg := "cannot read expression: " + p.Msg
	switch {
	case len(p.Suggest) > 0:
		msg += fmt.Sprintf(" (did you mean %q?)", p.Suggest[0])
	case p.Help != "":
		msg += " (" + p.Help + ")"
	}
	return &Error{Msg: msg, Offset: p.Offset}
}

// A fault is a failure inside a function; the place is added on the way out.
type fault string

func (f fault) Error() string { return string(f) }

func faultf(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }
