package machine

import (
	"encoding/binary"
	"errors"
	"time"
)

// A codec writes a state as a row of numbers and texts, or reads one: the same walk does both, so
// that the two cannot come apart. A number takes one byte where it is small, a text that was met
// before its number, a time its distance from the one before. The first error stays.
type codec struct {
	reading bool
	buf     []byte // what has been written, or is still to be read
	texts   []string
	known   map[string]int // writing: texts by number
	last    int64          // seconds of the last moment
	err     error
}

var errCutOff = errors.New("it is damaged or cut off")

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.buf = nil
}

// number is any whole number, a state among them.
type number interface {
	~int | ~int64 | ~uint8 | ~uint64
}

func num[T number](c *codec, v *T) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, int64(*v))
		return
	}
	x, n := binary.Varint(c.buf)
	if n <= 0 || int64(T(x)) != x {
		c.fail(errCutOff)
		return
	}
	*v, c.buf = T(x), c.buf[n:]
}

func (c *codec) flag(v *bool) {
	var x uint8
	if *v {
		x = 1
	}
	num(c, &x)
	*v = x == 1
}

// count gives the length of a list. Each element takes a byte at least: what claims more is refused
// before anything is made for it.
func (c *codec) count(n int) int {
	num(c, &n)
	if c.reading && (n < 0 || n > len(c.buf)) {
		c.fail(errCutOff)
		return 0
	}
	return n
}

func (c *codec) bytes(b []byte) []byte {
	n := c.count(len(b))
	if !c.reading {
		c.buf = append(c.buf, b...)
		return b
	}
	if c.err != nil {
		return nil
	}
	b, c.buf = append([]byte{}, c.buf[:n]...), c.buf[n:]
	return b
}

func text[T ~string](c *codec, v *T) {
	if !c.reading {
		at, again := c.known[string(*v)]
		num(c, &at)
		if !again {
			c.bytes([]byte(*v))
			c.learn(string(*v))
		}
		return
	}
	var at int
	switch num(c, &at); {
	case at == 0 && c.err == nil: // not met before
		s := string(c.bytes(nil))
		c.learn(s)
		*v = T(s)
	case at < 1 || at > len(c.texts):
		c.fail(errCutOff)
	default:
		*v = T(c.texts[at-1])
	}
}

func (c *codec) learn(s string) {
	if c.texts = append(c.texts, s); !c.reading {
		c.known[s] = len(c.texts)
	}
}

func (c *codec) moment(t *time.Time) {
	known := !t.IsZero()
	if c.flag(&known); !known || c.err != nil {
		return
	}
	sec, nsec := t.Unix()-c.last, int64(t.Nanosecond())
	num(c, &sec)
	num(c, &nsec)
	c.last += sec
	if c.reading {
		*t = time.Unix(c.last, nsec).UTC()
	}
}

// raw keeps nil and null apart.
func (c *codec) raw(v *Raw) {
	known := *v != nil
	if c.flag(&known); known {
		*v = c.bytes(*v)
	}
}

// opt is a value that may be absent.
func opt[T any](c *codec, v **T, each func(*T)) {
	known := *v != nil
	if c.flag(&known); !known || c.err != nil {
		return
	}
	if c.reading {
		*v = new(T)
	}
	each(*v)
}

// list is a list of values; nil and empty are the same.
func list[T any](c *codec, v *[]T, each func(*T)) {
	n := c.count(len(*v))
	if c.reading && n > 0 {
		*v = make([]T, n)
	}
	for i := range *v {
		if c.err != nil {
			return
		}
		each(&(*v)[i])
	}
}
