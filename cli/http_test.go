package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"weft/config"
)

// TestHTTPTakesWhatTheConfigurationLetsThrough: both read the same places, and neither opens what the
// other would not.
func TestHTTPTakesWhatTheConfigurationLetsThrough(t *testing.T) {
	for place, fine := range map[string]bool{
		"loopback": true, "private": true, "link-local": true,
		"10.1.2.3": true, "fd00::1": true, "::ffff:10.0.0.1": true, "10.0.0.0/8": true, "fd00::/8": true, "0.0.0.0/0": true, "::/0": true,
		"api.example.com": true, "API.Example.com.": true, "*.example.com": true, "localhost": true, "my_host-1": true, "1password.com": true, "a.0xbee": false,
		"": false, "*": false, "*.": false, "*.*.com": false, "a..b": false, ".example.com": false, "-a.com": false, "127.1": false, "2130706433": false,
		"0x7f.1": false, "0x7f000001": false, "10.0.0.0/33": false, "fe80::1%lo": false, "http://a.b": false, "a.b:80": false, "[::1]": false, "a b": false, "bücher.example": false,
		"::ffff:10.0.0.0/104": false, "10.1.2.3/8": false, "loopbak": false, "loopbak.": true, "Loopback": false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "weft.yaml"), fmt.Appendf(nil, "http: {allow: [%q]}\n", place), 0o600); err != nil {
			t.Fatal(err)
		}
		conf, err := config.Load(config.Source{Dir: dir})
		if (err == nil) != fine {
			t.Errorf("%q: %v", place, err)
		}
		if err != nil {
			continue
		}
		if p, err := httpPolicy(conf.HTTP); err != nil || len(p.Allow.Nets)+len(p.Allow.Names) == 0 {
			t.Errorf("%q: %+v, error %v", place, p, err)
		}
	}
}
