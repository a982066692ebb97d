package spec

import "testing"

// TestZoneNames: what is suggested for a zone is one.
func TestZoneNames(t *testing.T) {
	names := zoneNames()
	if len(names) < 500 {
		t.Fatalf("only %d names", len(names))
	}
	for _, name := range names {
		if findZone(name) == nil {
			t.Errorf("%s is no zone", name)
		}
	}
}
