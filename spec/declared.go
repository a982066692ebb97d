package spec

import (
	"encoding/json"
	"sync"

	"weft/expr"
)

// A declared is what a JSON Schema says, read once: as a value, for typing what is written, and as a
// type, for checking expressions. Both are shared by all files and never changed.
type declared struct {
	value any
	typ   expr.Type
}

// maxDeclared bounds how many schemas a process keeps read. There are few that matter, the plugins'
// and short ones; a hostile file may bring others, and then all are forgotten and read again.
const maxDeclared = 512

var schemas = struct {
	sync.Mutex
	read map[string]*declared
}{read: map[string]*declared{}}

// declaredBy reads a schema; nothing at all admits everything.
func declaredBy(raw json.RawMessage) *declared {
	if len(raw) == 0 {
		return &declared{}
	}
	schemas.Lock()
	defer schemas.Unlock()
	if s := schemas.read[string(raw)]; s != nil {
		return s
	}
	s := &declared{typ: expr.TypeOfSchema(raw)}
	if json.Unmarshal(raw, &s.value) != nil {
		s.value = nil
	}
	if len(schemas.read) >= maxDeclared {
		clear(schemas.read)
	}
	schemas.read[string(raw)] = s
	return s
}

// schemaValue is a JSON Schema as a value, nil if there is none.
func schemaValue(raw json.RawMessage) any { return declaredBy(raw).value }

// schemaType is a JSON Schema as a type.
func schemaType(raw json.RawMessage) expr.Type { return declaredBy(raw).typ }
