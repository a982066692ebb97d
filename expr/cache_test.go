package expr

import (
	"fmt"
	"strconv"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestCacheKeepsTheMostRecent(t *testing.T) {
	var c Cache
	for i := range maxCached + 10 {
		v, err := c.Eval(fmt.Sprintf("%d + x", i), map[string]any{"x": 1})
		if err != nil || v != i+1 {
			t.Fatalf("%d: got %v, %v", i, v, err)
		}
		if _, err := c.Eval("0 + x", map[string]any{"x": 1}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.entries); n != maxCached || c.recent.Len() != n {
		t.Errorf("%d entries, %d in the list, want %d", n, c.recent.Len(), maxCached)
	}
	if _, ok := c.entries[cacheKey{'v', "0 + x"}]; !ok {
		t.Error("what was used last is gone")
	}
	if _, ok := c.entries[cacheKey{'v', "1 + x"}]; ok {
		t.Error("what was not used is still there")
	}
}

func TestCacheGivesWhatTheFunctionsGive(t *testing.T) {
	var c Cache
	for range 2 {
		if v, err := c.Eval("x * 2", map[string]any{"x": 4}); err != nil || v != 8 {
			t.Errorf("Eval: %v, %v", v, err)
		}
		if v, err := c.Bool("x == 4", map[string]any{"x": 4}); err != nil || !v {
			t.Errorf("Bool: %v, %v", v, err)
		}
		if v, err := c.Render("a-${{ x }}", map[string]any{"x": 4}); err != nil || v != "a-4" {
			t.Errorf("Render: %v, %v", v, err)
		}
		if v, err := c.RenderJSON([]byte(`{"k":["${{ x }}"]}`), map[string]any{"x": 4}); err != nil || fmt.Sprint(v) != "map[k:[4]]" {
			t.Errorf("RenderJSON: %v, %v", v, err)
		}
		if _, err := c.Eval("x / 0", map[string]any{"x": 4}); err == nil || err.(*Error).Offset != 2 {
			t.Errorf("error: %v", err)
		}
	}
}
