package expr

import "container/list"

// A Cache keeps what has been compiled, the most recently used first, up to a bound. The zero
// value is ready; nil keeps nothing. It is not safe for concurrent use: whoever owns it guards it.
// The package's own functions are pure and compile each time.
type Cache struct {
	entries map[cacheKey]*list.Element
	recent  list.List
}

// maxCached bounds a Cache: more than the expressions of one large DAG.
const maxCached = 1024

// One source is read as a value, as a template or as a trigger.
type cacheKey struct {
	kind byte
	src  string
}

type cacheEntry struct {
	key   cacheKey
	value any
}

func (c *Cache) get(key cacheKey) (any, bool) {
	if c == nil {
		return nil, false
	}
	e, ok := c.entries[key]
	if !ok {
		return nil, false
	}
	c.recent.MoveToFront(e)
	return e.Value.(cacheEntry).value, true
}

func (c *Cache) put(key cacheKey, value any) {
	if c == nil {
		return
	}
	if c.entries == nil {
		c.entries = make(map[cacheKey]*list.Element)
	}
	c.entries[key] = c.recent.PushFront(cacheEntry{key, value})
	if c.recent.Len() > maxCached {
		oldest := c.recent.Back()
		c.recent.Remove(oldest)
		delete(c.entries, oldest.Value.(cacheEntry).key)
	}
}

func (c *Cache) program(src string) (*program, error) {
	key := cacheKey{'v', src}
	if v, ok := c.get(key); ok {
		return v.(*program), nil
	}
	p, err := compile(src)
	if err != nil {
		return nil, err
	}
	c.put(key, p)
	return p, nil
}
