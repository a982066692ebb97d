package proc

import (
	"path/filepath"
	"testing"
)

func TestAliveAsksTheLocks(t *testing.T) {
	one, none := filepath.Join(t.TempDir(), "1.live"), filepath.Join(t.TempDir(), "2.live")
	f, err := CreateLive(one, Live{Run: "r", Task: "t", Index: -1, Attempt: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		got, err := Alive(none, one)
		if got != want || err != nil {
			t.Errorf("alive: %v, %v; want %v", got, err, want)
		}
		f.Close()
	}
}
