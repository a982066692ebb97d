package spec

// Paths lead from a task to a value in it: "with.items.2.name". In a plan they name places
// (machine.Place), in a message they are said as people write them.

import (
	"errors"
	"strconv"
	"strings"
)

// join adds an index or a key to a path of a task's value.
func join(path string, i int) string { return path + "." + strconv.Itoa(i) }

// pathWords says a path as people write it: items[2].name.
func pathWords(path []string) string {
	var b strings.Builder
	for i, p := range path {
		switch {
		case index(p) >= 0 && i > 0:
			b.WriteString("[" + p + "]")
		case i > 0:
			b.WriteString("." + p)
		default:
			b.WriteString(p)
		}
	}
	return b.String()
}

// ofPath is " at `x.y`" for a path inside a value, nothing for the value itself.
func ofPath(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return " at `" + pathWords(path) + "`"
}

func ofPathPrefix(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return "at `" + pathWords(path) + "` "
}

// unwrapVoice drops the opening of a wrapped error that the sentence around it says already.
func unwrapVoice(err error) error {
	if _, rest, ok := strings.Cut(err.Error(), "schema: "); ok {
		return errors.New(rest)
	}
	return err
}
