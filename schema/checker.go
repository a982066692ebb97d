package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A Checker is a compiled JSON Schema. It is immutable and safe for concurrent use.
type Checker struct {
	compiled *jsonschema.Schema
	doc      any // the schema as a JSON value, for the words of messages
	asks     []Ask
	once     once
}

// A Violation is one thing in a value that its schema does not allow, in words for people. It holds no
// place in a file, as values come from requests and outputs too; who has a file looks up the Path.
type Violation struct {
	Path    []string // keys and indexes from the root to the value that is wrong
	Keyword string   // of JSON Schema: type, required, additionalProperties, enum, …
	Message string   // "must be a whole number, not text": to follow the name of the place
	Name    string   // required: the key that is missing; additionalProperties: the one too many
	Choices []string // what would be right there: keys, or the members of an enum
	Got     string   // pattern: the text that does not match it, "" if it is long
}

const docURL = "weft:///schema.json" // never loaded; the compiler wants a name

var errRemote = errors.New("schemas elsewhere are not read")

// Compile makes a Checker of a JSON Schema (draft-07 unless it says otherwise). References may
// point inside the document alone: nothing is ever fetched. The same text gives the same Checker
// while it is kept; see cache.go.
func Compile(raw []byte) (*Checker, error) {
	if c := recall(raw); c != nil {
		return c, nil
	}
	c, err := compile(raw)
	if err == nil {
		remember(raw, c)
	}
	return c, err
}

func compile(raw []byte) (*Checker, error) {
	var doc any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("cannot read schema: it is not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("cannot read schema: there is more after its end")
	}
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft7
	c.LoadURL = func(string) (io.ReadCloser, error) { return nil, errRemote }
	if err := c.AddResource(docURL, strings.NewReader(string(raw))); err != nil {
		return nil, fmt.Errorf("cannot read schema: %w", err)
	}
	compiled, err := c.Compile(docURL)
	if err != nil {
		return nil, compileError(err)
	}
	return &Checker{compiled: compiled, doc: doc, asks: asksOf(doc, nil), once: onceOf(doc)}, nil
}

// compileError says what is wrong with a schema without the compiler's addresses.
func compileError(err error) error {
	if errors.Is(err, errRemote) || strings.Contains(err.Error(), errRemote.Error()) {
		return fmt.Errorf("cannot use schema: $ref must point inside it: %w", errRemote)
	}
	var ve *jsonschema.ValidationError
	if errors.As(err, &ve) {
		leaf := ve
		for len(leaf.Causes) > 0 {
			leaf = leaf.Causes[0]
		}
		where := strings.Join(pointer(leaf.InstanceLocation), ".")
		if where == "" {
			where = "it"
		}
		if want, ok := strings.CutPrefix(leaf.Message, "expected "); ok {
			want, _, _ = strings.Cut(want, ",")
			return fmt.Errorf("cannot use schema: %s must be %s", where, TypeWords(strings.Split(want, " or ")...))
		}
		return fmt.Errorf("cannot use schema: %s is wrong", where)
	}
	msg := err.Error()
	if i := strings.LastIndex(msg, docURL); i >= 0 {
		msg = strings.TrimLeft(msg[i+len(docURL):], "#/ :")
	}
	return fmt.Errorf("cannot use schema: %s", msg)
}

// Check returns everything in a JSON value (nil, bool, numbers, string, []any, map[string]any)
// that the schema does not allow: sorted by place, each thing once.
func (c *Checker) Check(value any) []Violation {
	err := c.compiled.Validate(value)
	if err == nil {
		return nil
	}
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return []Violation{{Keyword: "type", Message: "holds something that JSON cannot say"}}
	}
	t := teller{doc: c.doc, root: value}
	found := t.tell(ve)
	slices.SortStableFunc(found, func(a, b Violation) int {
		if n := comparePaths(a.Path, b.Path); n != 0 {
			return n
		}
		return strings.Compare(a.Keyword+"\x00"+a.Name+"\x00"+a.Message, b.Keyword+"\x00"+b.Name+"\x00"+b.Message)
	})
	return slices.CompactFunc(found, func(a, b Violation) bool {
		return slices.Equal(a.Path, b.Path) && a.Keyword == b.Keyword && a.Name == b.Name && a.Message == b.Message
	})
}

// The validator's causes come in the order of maps, so Check sorts: the same value gives the same
// words, byte for byte.

// comparePaths orders paths by their parts; parts that are both indexes by number.
func comparePaths(a, b []string) int {
	return slices.CompareFunc(a, b, func(x, y string) int {
		if digits(x) && digits(y) && len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
