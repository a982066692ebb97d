package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"weft/logs"
)

// A written is a piece of a log, as it is read.
type written struct{ task, text string }

func TestLogsAreWrittenAsTheyAre(t *testing.T) {
	long := strings.Repeat("x", 200_000) // a line of several pieces
	for _, c := range []struct {
		name            string
		heads, terminal bool
		pieces          []written
		want            string
	}{
		{"one log alone", false, false, []written{{"a", "\x1b]0;t\aone"}, {"a", "two\xff"}}, "\x1b]0;t\aonetwo\xff"},
		{"a long line in pieces", true, false, []written{{"a", long}, {"a", long + "\n"}}, "==> a, attempt 1\n" + long + long + "\n"},
		{"a character in two pieces", true, false, []written{{"a", "\xc3"}, {"a", "\xa9\n"}}, "==> a, attempt 1\né\n"},
		{
			"two logs by turns", true, false,
			[]written{{"a", "one"}, {"b", "two\n"}, {"b", "three"}, {"a", "four\n"}},
			"==> a, attempt 1\none\n==> b, attempt 1\ntwo\nthree\n==> a, attempt 1\nfour\n",
		},
		{"no line end at the end", true, false, []written{{"a", "one"}}, "==> a, attempt 1\none\n"},
		{
			"a terminal", true, true,
			[]written{{"a", "\x1b[31mred\x1b]0;ti"}, {"a", "tle\a on"}, {"b", "\x1b[2Jplain\n"}},
			"==> a, attempt 1\n\x1b[31mred on\x1b[0m\n==> b, attempt 1\nplain\n",
		},
		{"a terminal, a log alone", false, true, []written{{"a", "\x1b[31mred"}}, "\x1b[31mred\x1b[0m"},
	} {
		var out bytes.Buffer
		w := &logWriter{out: &out, heads: c.heads, terminal: c.terminal, fresh: true}
		ways := map[string]io.Writer{}
		for _, p := range c.pieces {
			if ways[p.task] == nil {
				ways[p.task] = w.of(logs.ID{DAG: "d", Run: "r", Task: p.task, Index: -1, Attempt: 1})
			}
			if n, err := ways[p.task].Write([]byte(p.text)); err != nil || n != len(p.text) {
				t.Fatal(n, err)
			}
		}
		w.end()
		if got := out.String(); got != c.want {
			t.Errorf("%s:\n got %.300q\nwant %.300q", c.name, got, c.want)
		}
	}
}
