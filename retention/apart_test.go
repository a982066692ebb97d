package retention

import (
	"testing"

	"weft/machine"
	"weft/store"
)

// The sandbox's s3://bucket and the account's are two places: each is swept by a gc of its own kind.
func TestARunOfTheSandboxIsLeftToAGcInTheSandbox(t *testing.T) {
	bucket, folder := []place{{uri: "file:///h"}, {uri: "s3://b/p"}}, []place{{uri: "file:///h"}}
	for _, c := range []struct {
		what     string
		places   []place
		began    bool // in the sandbox
		sweeping bool // in the sandbox
		want     string
	}{
		{"both in it", bucket, true, true, ""},
		{"both outside", bucket, false, false, ""},
		{"the run alone", bucket, true, false, "it began in the sandbox: weft gc --sandbox removes it"},
		{"gc alone", bucket, false, true, "it began outside the sandbox: weft gc without --sandbox removes it"},
		{"a folder is the same to both", folder, true, false, ""},
	} {
		journal := []store.Record{{Event: machine.Event{Fact: machine.RunStarted{Sandbox: c.began}}}}
		got := ""
		if err := (&Keeper{Sandbox: c.sweeping}).apart(c.places, journal); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}
