package awsconf

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// refuses answers a DeleteObjects with the keys that stay.
func refuses(keys ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<DeleteResult>`)
		for _, key := range keys {
			fmt.Fprintf(w, `<Error><Key>%s</Key><Code>AccessDenied</Code><Message>no</Message></Error>`, key)
		}
		fmt.Fprint(w, `</DeleteResult>`)
	}
}

func TestDeleteKeysSaysWhatIsStillThere(t *testing.T) {
	keys := make([]string, 2100)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%04d", i)
	}
	for _, c := range []struct {
		name   string
		script []http.HandlerFunc
		left   []string
		says   string
		calls  int
	}{
		{"all gone, a thousand a request", []http.HandlerFunc{refuses(), refuses(), refuses()}, nil, "", 3},
		{
			"one refused: the others go on",
			[]http.HandlerFunc{refuses(), refuses("k1234"), refuses()},
			[]string{"k1234"},
			"1 of 1000 objects are still there, k1234 among them: access denied", 3,
		},
		{"denied as a whole: no more is asked", []http.HandlerFunc{refuses(), says(403, "AccessDenied")}, keys[1000:], "access denied", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d := against(t, c.script...)
			left, err := s.DeleteKeys(t.Context(), "bucket", keys)
			if !slices.Equal(left, c.left) {
				t.Errorf("%d are left, want %d", len(left), len(c.left))
			}
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if d.count() != c.calls {
				t.Errorf("%d calls, want %d", d.count(), c.calls)
			}
		})
	}
}
