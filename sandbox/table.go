package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// A table is one of DynamoDB's: items by their key.
//
// One that is made when it is named has no schema until a request tells its key. What is put before that
// lies loose, in the order in which it came; nobody can ask for it but by a key, which is the schema.
type table struct {
	keys  []string        // the partition key's name, and the sort key's if it has one; nil = not known yet
	maybe bool            // which of two is the partition key is a guess
	types []string        // of the keys, where CreateTable has said them
	items map[string]item // by keyOf
	loose []item
}

// learn takes the names of a key as the schema, if there is none. It tells whether they fit.
func (t *table) learn(names []string) bool {
	if t.keys == nil && len(names) > 0 && len(names) <= 2 {
		t.keys = names
		t.arrange(t.loose)
		t.loose = nil
	}
	a, b := slices.Sorted(slices.Values(t.keys)), slices.Sorted(slices.Values(names))
	return slices.Equal(a, b)
}

// arrange puts items into their places; of two with one key the later counts.
func (t *table) arrange(items []item) {
	for _, it := range items {
		if id, err := t.keyOf(it); err == nil {
			t.items[id] = it
		}
	}
}

// partition says which of two keys is the partition key, where that was a guess.
func (t *table) partition(name string) {
	if !t.maybe || len(t.keys) != 2 || t.keys[1] != name {
		return
	}
	all := slices.Collect(maps.Values(t.items))
	t.keys, t.maybe, t.items = []string{name, t.keys[0]}, false, map[string]item{}
	t.arrange(all)
}

// keyOf is the place of an item by its key.
func (t *table) keyOf(it item) (string, error) {
	var id strings.Builder
	for i, name := range t.keys {
		a, ok := it[name]
		kind := a.kind()
		switch {
		case !ok:
			return "", invalidValue("One or more parameter values were invalid: Missing the key " + name + " in the item")
		case kind != "S" && kind != "N" && kind != "B", t.types != nil && t.types[i] != kind:
			return "", invalidValue("One or more parameter values were invalid: Type mismatch for key " + name)
		case kind != "N" && a.text() == "":
			return "", invalidValue("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: " + name)
		case len(a.text()) > []int{2048, 1024}[i]:
			return "", invalidValue("One or more parameter values were invalid: Size of the key " + name + " has exceeded its limit")
		}
		id.WriteString(a.canonical() + "\x00")
	}
	return id.String(), nil
}

// names are the names in a key, the partition key first as far as that is known.
func (i item) names() []string { return slices.Sorted(maps.Keys(i)) }

// sorted are the items in the order of a query: by sort key within a partition. Partitions come in any
// order that stays the same.
func (t *table) sorted() []item {
	all := slices.Collect(maps.Values(t.items))
	slices.SortFunc(all, func(a, b item) int {
		for i, name := range t.keys {
			x, y := a[name], b[name]
			if i == 0 || x.kind() != y.kind() {
				if c := strings.Compare(x.canonical(), y.canonical()); c != 0 {
					return c
				}
				continue
			}
			if c, _ := x.compare(y); c != 0 {
				return c
			}
		}
		return 0
	})
	return all
}

// key is the part of an item that is its key.
func (t *table) key(it item) item {
	out := item{}
	for _, name := range t.keys {
		out[name] = it[name]
	}
	return out
}
