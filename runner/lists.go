package runner

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
)

// maxLists is how many spilled lists are kept read, so that ten thousand instances do not read the
// same list ten thousand times.
const maxLists = 2

// lists keeps the spilled lists that were read last.
type lists struct {
	mu   sync.Mutex
	last []*itemList // the newest first
}

// An itemList is a list of a for_each, read once by whoever needs it first.
type itemList struct {
	ref   machine.Ref
	once  sync.Once
	items []any
	keys  []string // of a map, in the machine's order: sorted
	err   error
}

// fetchItem finds the order's element in its list.
func (x *Executor) fetchItem(ctx context.Context, o *machine.Order) error {
	l := x.lists.get(*o.ItemRef)
	l.once.Do(func() { l.read(context.WithoutCancel(ctx), x, *o) }) // others wait for it as well
	if l.err != nil {
		x.lists.drop(l)
		return l.err
	}
	i := o.Key.Index
	if i < 0 || i >= len(l.items) {
		return plugins.Errorf(plugins.Internal, "cannot find element %d of for_each: there are %d", i, len(l.items))
	}
	o.Item, o.HasItem = l.items[i], true
	if l.keys != nil {
		o.ItemKey = &l.keys[i]
	}
	return nil
}

func (l *itemList) read(ctx context.Context, x *Executor, o machine.Order) {
	raw, err := x.fetchValue(ctx, o, l.ref)
	if err != nil {
		l.err = err
		return
	}
	v, err := expr.DecodeJSON(raw)
	switch v := v.(type) {
	case []any:
		l.items = v
	case map[string]any:
		l.keys = slices.Sorted(maps.Keys(v))
		for _, k := range l.keys {
			l.items = append(l.items, v[k])
		}
	default:
		if err == nil {
			err = errors.New("it is neither a list nor a map")
		}
		l.err = plugins.Errorf(plugins.Internal, "cannot read the list of for_each: %w", err)
	}
}

func (c *lists) get(ref machine.Ref) *itemList {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.last, func(l *itemList) bool { return l.ref == ref })
	l := &itemList{ref: ref}
	if i >= 0 {
		l = c.last[i]
		c.last = slices.Delete(c.last, i, i+1)
	}
	c.last = slices.Insert(c.last, 0, l)
	if len(c.last) > maxLists {
		c.last = slices.Delete(c.last, maxLists, len(c.last))
	}
	return l
}

func (c *lists) drop(l *itemList) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.last, l); i >= 0 {
		c.last = slices.Delete(c.last, i, i+1)
	}
}
