package served

import (
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"testing"
)

// Address returns an address of a host that nobody listens on, and that stays free while a server which is
// stopped and started again is down: its port is below those that systems hand out by themselves (Linux from
// 32768, others from 49152). Another program may still ask for it by number.
func Address(t testing.TB, host string) string {
	t.Helper()
	for range 100 {
		addr := net.JoinHostPort(host, strconv.Itoa(20000+rand.IntN(12000)))
		free, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatalf("cannot find a free port on %s", host)
	return ""
}

// Lacks skips a test that needs what is not here, or fails it where nothing may be left out: under ./check
// and in CI.
func Lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" || os.Getenv("WEFT_CHECK") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
