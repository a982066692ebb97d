package schema

import (
	"fmt"
	"testing"
)

// TestCompileKeepsWhatItMade: the same text is compiled once, and however many texts come, no more
// are kept than the bound.
func TestCompileKeepsWhatItMade(t *testing.T) {
	first, err := Compile([]byte(`{"type":"string","minLength":3}`))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Compile([]byte(`{"type":"string","minLength":3}`)); again != first {
		t.Error("the same text was compiled twice")
	}
	for i := range maxKept + 50 {
		if _, err := Compile(fmt.Appendf(nil, `{"minimum":%d}`, i)); err != nil {
			t.Fatal(err)
		}
		if n := len(kept.checkers); n > maxKept {
			t.Fatalf("%d are kept", n)
		}
	}
	long := fmt.Appendf(nil, `{"description":"%0*d"}`, maxKeptBytes, 0)
	if _, err := Compile(long); err != nil || recall(long) != nil {
		t.Errorf("a schema of %d bytes is kept (%v)", len(long), err)
	}
}
