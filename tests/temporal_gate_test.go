package tests

import (
	"strings"
	"testing"
	"time"

	"weft/tests/temporalserver"
)

// TestGatesBeforeTemporal: client certificates and API keys are told as Temporal's own tools take them; whoever is
// refused is told why; and what expires in the middle of work stops nothing for good.
func TestGatesBeforeTemporal(t *testing.T) {
	t.Parallel()
	s := temporalserver.Start(t)
	ours, others := temporalserver.NewAuthority(t), temporalserver.NewAuthority(t)
	good, none := ours.Issue("weft", temporalserver.Valid()), temporalserver.Certificate{}
	mutual := temporalserver.NewGate(t, s.Address, temporalserver.Rules{Certificates: ours})
	keyed := temporalserver.NewGate(t, s.Address, temporalserver.Rules{Key: "open"})
	old := temporalserver.NewGate(t, s.Address, temporalserver.Rules{Expired: true})
	for _, c := range []struct {
		what string
		env  []string
		says string // "" = it comes in
	}{
		{"its certificate", mutual.Env("default", good, ""), ""},
		{"no certificate", mutual.Env("default", none, ""), "it wants a certificate of whoever comes"},
		{"a certificate that has expired", mutual.Env("default", ours.Issue("weft", temporalserver.Expired()), ""), "it refuses this weft's certificate: it has expired"},
		{"a certificate of somebody else's", mutual.Env("default", others.Issue("weft", temporalserver.Valid()), ""), "it does not know its authority"},
		{"no TLS", temporalserver.Env(mutual.Address, "default"), "TEMPORAL_TLS=true"},
		{"its key", keyed.Env("default", none, "open"), ""},
		{"another key", keyed.Env("default", none, "wr0ng"), "TEMPORAL_API_KEY"},
		{"no key", keyed.Env("default", none, ""), "TEMPORAL_API_KEY"},
		{"a server whose certificate has expired", old.Env("default", none, ""), "its certificate has expired"},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t)
			w.env = append(c.env, "WEFT_ENGINE=temporal")
			res := w.run("runs")
			switch {
			case c.says == "" && res.code != 0:
				t.Errorf("%d: %s", res.code, res.stderr)
			case c.says != "" && (res.code != 3 || !strings.Contains(res.stderr, c.says)):
				t.Errorf("%d: %s does not say %q", res.code, res.stderr, c.says)
			case strings.Contains(res.stderr, "wr0ng"):
				t.Errorf("the key is told: %s", res.stderr)
			}
		})
	}
	t.Run("it expires in the middle", func(t *testing.T) {
		st := newStaff(t, s)
		st.env = append(mutual.Env("default", good, ""), "WEFT_ENGINE=temporal")
		st.write("dags/orders.yaml", onTemporalDAG)
		st.hire(nil)
		mutual.SetTime(time.Now().Add(48 * time.Hour))
		if res := st.run("run", "orders"); res.code != 3 || !strings.Contains(res.stderr, "expired") {
			t.Errorf("%d: %s", res.code, res.stderr)
		}
		mutual.SetTime(time.Time{})
		if res := st.run("run", "orders", "--run-id", "later"); res.code != 0 {
			t.Errorf("%d: %s%s", res.code, res.out, res.stderr)
		}
	})
}
