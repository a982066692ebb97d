package spec

import (
	"slices"
	"strings"
)

// What a file that is no YAML yet says of where a line stands: under which keys, by indentation alone, and so what may
// stand there. It is for suspects, which must know whether a word can be a key, or a text a value, of its place.

// parents are the keys under which a line stands if it is indented by in, the outermost first. Items of lists are "-".
func (d *DAG) parents(line, in int) []string {
	var path []string
	for n := line - 1; n >= 1 && in > 0; n-- {
		text := d.src.lineText(n)
		trimmed := strings.TrimLeft(text, " ")
		if at := len(text) - len(trimmed); trimmed == "" || trimmed[0] == '#' || trimmed[0] == '\t' || at >= in || d.inBlock(n) {
			continue
		}
		in = len(text) - len(trimmed)
		if m := keyLine().FindStringSubmatch(text); m != nil {
			path = append(path, strings.Trim(strings.TrimSpace(m[2]), `"'`))
		}
		if strings.HasPrefix(trimmed, "-") {
			path = append(path, "-")
		}
	}
	slices.Reverse(path)
	return path
}

// hooks are the keys that hold tasks by their ids, beside `tasks`.
var hooks = []string{"on_success", "on_failure", "on_late"}

// keysUnder is the table of what stands under a path of keys; tasks tells that tasks stand there by their ids. Neither:
// names of the user's, or something that is not known.
func keysUnder(path []string) (of *table, tasks bool) {
	last := func(i int) string {
		if i > len(path) {
			return ""
		}
		return path[len(path)-i]
	}
	switch {
	case len(path) == 0:
		return dagKeys, false
	case len(path) == 1 && (last(1) == "tasks" || slices.Contains(hooks, last(1))):
		return nil, true
	case len(path) == 2 && (last(2) == "tasks" || slices.Contains(hooks, last(2))):
		return taskKeys, false
	case len(path) == 3 && last(3) == "tasks" && last(1) == "on_failure":
		return nil, true
	case len(path) == 4 && last(4) == "tasks" && last(2) == "on_failure":
		return callbackKeys, false
	case last(1) == "sensor" && (len(path) == 3 || len(path) == 5 || len(path) == 2 && last(2) == "defaults"):
		return sensorKeys, false
	case len(path) == 1 && last(1) == "schedule":
		return scheduleKeys, false
	case len(path) == 1 && last(1) == "defaults":
		return defaultsKeys, false
	}
	return nil, false
}

// freeText are the keys whose value is a text of any kind, or an expression.
var freeText = []string{"description", "owner", "run", "when", "trigger", "for_each", "retry_if", "workdir", "group", "queue", "verdict", "handoff", "until", "fail_when"}

// A room is what a value may be.
type room int

const (
	anything room = iota // text too
	aWord                // a text, and none with `: ` in it
	aMap
)

// roomOf tells what the value of a key under a path may be.
func roomOf(path []string, key string) room {
	of, tasks := keysUnder(path)
	switch {
	case tasks, len(path) == 1 && path[0] == "params":
		return aMap
	case of == nil || !slices.Contains(of.keys, key) || slices.Contains(freeText, key):
		return anything
	case slices.Contains([]string{"tasks", "env", "aws", "with", "sensor", "params", "defaults", "outputs", "artifacts", "inputs", "schedule", "dst"}, key),
		slices.Contains(hooks, key):
		return aMap
	}
	return aWord
}

// plainFrom is the index from which a line outside brackets and quotes is a plain value, whose quotes and brackets are
// letters; its length if there is none.
func plainFrom(l []rune) int {
	i, keyed := indentOf(l), false
	for i < len(l) {
		switch c := l[i]; {
		case blank(c):
			i++
			continue
		case c == '-' && !keyed && (i+1 == len(l) || blank(l[i+1])):
			i++
			continue
		case strings.ContainsRune("&!", c): // an anchor or a tag
			for i < len(l) && !blank(l[i]) {
				i++
			}
			continue
		case strings.ContainsRune("[{\"'#", c), keyed && strings.ContainsRune("|>@`%“”‘’", c):
			return len(l)
		case c == '?' && i+1 < len(l) && blank(l[i+1]):
			return len(l)
		}
		if keyed {
			return i
		}
		end := i
		for end < len(l) && !(l[end] == ':' && (end+1 == len(l) || blank(l[end+1]))) && !(l[end] == '#' && blank(l[end-1])) {
			end++
		}
		if end == len(l) || l[end] == '#' {
			return i
		}
		i, keyed = end+1, true
	}
	return len(l)
}
