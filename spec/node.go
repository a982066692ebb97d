package spec

import (
	"strings"

	"weft/machine"
)

// A Kind says what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Mapping
	Sequence
)

// A Quote says how a scalar was written.
type Quote uint8

// The ways to write a scalar. Literal is `|`, Folded is `>`.
const (
	Plain Quote = iota
	Single
	Double
	Literal
	Folded
)

// A Node is a value of the file: what it is, where it stands and how it was quoted. It is shared by
// all aliases of its anchor, so nothing may be changed in it, and its place is the anchor's: whatever
// is wrong is wrong where it is written.
//
// A scalar has no type. `no`, `010` and 2026-01-02 are texts until the place that they stand in asks
// for something else; see scalar.go.
//
// A file has a hundred thousand of them, so they are small: what few have is behind a pointer.
type Node struct {
	Kind      Kind
	Quote     Quote
	bad       bool // reported already: whoever reads it keeps silent
	line, col int32
	Text      string  // of a scalar, decoded, otherwise as written
	inside    *inside // of a mapping or a sequence that is not empty
}

// inside is what a mapping or a sequence holds.
type inside struct {
	fields []Field
	items  []*Node
}

// Pos is where the value itself begins, behind its anchor.
func (n *Node) Pos() machine.Pos { return machine.Pos{Line: int(n.line), Col: int(n.col)} }

// Fields are those of a mapping, in file order, merges resolved; none of another node, or of nil.
func (n *Node) Fields() []Field {
	if n == nil || n.inside == nil {
		return nil
	}
	return n.inside.fields
}

// Items are those of a sequence; none of another node, or of nil.
func (n *Node) Items() []*Node {
	if n == nil || n.inside == nil {
		return nil
	}
	return n.inside.items
}

// A Field is one key of a mapping and its value.
type Field struct {
	Key   *Node
	Value *Node
}

// Get returns the value of a key, nil if the node is no mapping or has none.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, f := range n.Fields() {
		if f.Key.Text == key {
			return f.Value
		}
	}
	return nil
}

// At walks down keys and indexes ("tasks", "a", "needs", "0"), nil if there is nothing.
func (n *Node) At(path ...string) *Node {
	for _, p := range path {
		if n == nil {
			return nil
		}
		if n.Kind == Sequence {
			i := index(p)
			if i < 0 || i >= len(n.Items()) {
				return nil
			}
			n = n.Items()[i]
			continue
		}
		n = n.Get(p)
	}
	return n
}

// deepest walks down a path as far as it goes; key is the node of the last key that was found, nil
// behind an index. What a schema complains of may not be in the file at all (a missing key), so a
// place is found for any path.
func (n *Node) deepest(path []string) (value, key *Node) {
	value = n
	for _, p := range path {
		next := value.At(p)
		if next == nil {
			return value, key
		}
		key = nil
		for _, f := range value.Fields() {
			if f.Value == next && f.Key.Text == p {
				key = f.Key
			}
		}
		value = next
	}
	return value, key
}

// Empty tells whether nothing is written where the value would stand.
func (n *Node) Empty() bool {
	return n == nil || n.Kind == Scalar && n.Quote == Plain && n.Text == ""
}

// words says what a node is, for messages.
func (n *Node) words() string {
	switch {
	case n.Kind == Mapping:
		return "a map"
	case n.Kind == Sequence:
		return "a list"
	case n.Empty():
		return "empty"
	case n.Quote != Plain || strings.Contains(n.Text, "\n"):
		return "text"
	}
	return "`" + cut(n.Text, 40) + "`"
}

// cut shortens a text for a message.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// index reads a path's part as a place in a list, -1 if it is none. Nine digits are more than any file
// has items.
func index(s string) int {
	if s == "" || len(s) > 9 {
		return -1
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
