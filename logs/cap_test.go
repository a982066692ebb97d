package logs

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var attempt = ID{"d", "r", "t", -1, 1}

func open(t *testing.T, s *Store) *os.File {
	t.Helper()
	f, err := s.Open(attempt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func text(t *testing.T, s *Store) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Copy(&b, attempt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// numbered writes n bytes in lines of 16 that tell their offset.
func numbered(t *testing.T, f *os.File, at, n int) {
	t.Helper()
	b := make([]byte, 0, n)
	for end := at + n; at < end; at += 16 {
		b = append(b, line(at)...)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
}

func line(at int) string {
	digits := strconv.Itoa(at)
	return "               "[len(digits):] + digits + "\n"
}

var markerLine = regexp.MustCompile(`\n\[weft: ([0-9,]+) bytes left out here; the log is capped at ([0-9]+ .iB)\]\n`)

// checkCapped checks that head, marker and tail are whole and account for every byte written.
func checkCapped(t *testing.T, log string, written, limit int) {
	t.Helper()
	m := markerLine.FindStringSubmatchIndex(log)
	if m == nil {
		t.Fatalf("no marker in %d bytes", len(log))
	}
	left, _ := strconv.Atoi(strings.ReplaceAll(log[m[2]:m[3]], ",", ""))
	head, tail := log[:m[0]+1], log[m[1]:]
	if len(head)+left+len(tail) != written {
		t.Errorf("%d + %d + %d bytes, not %d", len(head), left, len(tail), written)
	}
	if len(head) < limit/2 || len(tail) < limit/2 || len(head)+len(tail) > limit+3*grain {
		t.Errorf("%d and %d bytes are kept of a cap of %d", len(head), len(tail), limit)
	}
	for off, part := range map[int]string{0: head, written - len(tail): tail} {
		for i := 0; i < len(part); i += 16 {
			if part[i:i+16] != line(off+i) {
				t.Fatalf("at %d stands %q", off+i, part[i:i+16])
			}
		}
	}
}

func TestALogBelowTheCapStaysAsItIs(t *testing.T) {
	s := New(t.TempDir(), 1<<20)
	f := open(t, s)
	numbered(t, f, 0, 1<<20)
	before := text(t, s)
	s.CapAll()
	if err := s.Seal(attempt); err != nil {
		t.Fatal(err)
	}
	if after := text(t, s); after != before || len(after) != 1<<20 {
		t.Errorf("%d bytes became %d", len(before), len(after))
	}
}

func TestALogBeyondTheCapLosesItsMiddle(t *testing.T) {
	s := New(t.TempDir(), 1<<20)
	f := open(t, s)
	for at := 0; at < 10<<20; at += 1 << 20 {
		numbered(t, f, at, 1<<20)
		s.CapAll()
		if at > 1<<20 {
			checkCapped(t, text(t, s), at+1<<20, 1<<20)
		}
	}
	if off, err := f.Seek(0, 1); err != nil || off != 10<<20 {
		t.Errorf("the writer's offset moved to %d (%v)", off, err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(f.Name(), &st); err != nil || st.Blocks*512 > 2<<20 {
		t.Errorf("it takes %d bytes of the disk (%v)", st.Blocks*512, err)
	}
	for range 3 { // a second Seal changes nothing
		if err := s.Seal(attempt); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(s.Path(attempt))
		if err != nil || string(raw) != text(t, s) {
			t.Errorf("the sealed file is read as something else (%v)", err)
		}
		checkCapped(t, string(raw), 10<<20, 1<<20)
	}
	if names, _ := os.ReadDir(filepath.Dir(s.Path(attempt))); len(names) != 1 {
		t.Errorf("beside it lie %v", names)
	}
}

func TestAFloodThatEndsBeforeTheFirstLookIsCapped(t *testing.T) {
	s := New(t.TempDir(), 1<<20)
	numbered(t, open(t, s), 0, 5<<20)
	if err := s.Seal(attempt); err != nil {
		t.Fatal(err)
	}
	checkCapped(t, text(t, s), 5<<20, 1<<20)
}

func TestASealedLogThatGoesOnKeepsCount(t *testing.T) {
	s := New(t.TempDir(), 1<<20)
	written := 0
	for range 4 { // each poke of a sensor floods
		numbered(t, open(t, s), written, 3<<20)
		written += 3 << 20
		if err := s.Seal(attempt); err != nil {
			t.Fatal(err)
		}
	}
	log, left := text(t, s), 0
	for _, m := range markerLine.FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		left += n
	}
	kept := len(markerLine.ReplaceAllString(log, "\n"))
	// A later mark may count the line end before an earlier one, or its own: a few bytes.
	if diff := written - left - kept; diff < -400 || diff > 400 || kept > 3<<20 {
		t.Errorf("%d written, %d left out, %d kept", written, left, kept)
	}
}

func TestWithoutHolesTheEndGoesToo(t *testing.T) {
	s := New(t.TempDir(), 1<<20)
	f := open(t, s)
	noHoles := func(*os.File, int64, int64) error { return errors.ErrUnsupported }
	for at := 0; at < 9<<20; at += 3 << 20 {
		numbered(t, f, at, 3<<20)
		if err := s.cut(f, &grown{}, noHoles); err != nil {
			t.Fatal(err)
		}
	}
	numbered(t, f, 9<<20, 160)
	log := text(t, s)
	want := "\n[weft: 8,912,896 bytes left out here; the log is capped at 1 MiB]\n        9437184\n"
	if !strings.Contains(log, want) || len(markerLine.FindAllString(log, -1)) != 1 || len(log) > 600<<10 {
		t.Errorf("%d bytes, %q", len(log), log[len(log)-300:])
	}
}

// R25: a flood leaves memory flat, and the log says how much is missing.
func TestAFloodLeavesMemoryFlat(t *testing.T) {
	size := 100_000_000
	if os.Getenv("WEFT_SOAK") != "" {
		size = 1_000_000_000
	}
	s := New(t.TempDir(), 8<<20)
	f := open(t, s)
	cmd := exec.Command("head", "-c", strconv.Itoa(size), "/dev/zero")
	cmd.Stdout = f
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for going := true; going; {
		select {
		case err := <-ended:
			if going = false; err != nil {
				t.Fatal(err)
			}
		default:
			s.CapAll()
		}
	}
	if err := s.Seal(attempt); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.Sys - before.Sys; after.Sys > before.Sys && used > 16<<20 {
		t.Errorf("%d bytes more memory", used)
	}
	log := text(t, s)
	m := markerLine.FindStringSubmatch(log)
	if m == nil || m[2] != "8 MiB" || len(log) > 9<<20 {
		t.Fatalf("%d bytes, marker %q", len(log), m)
	}
	left, _ := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
	if kept := len(log) - len(m[0]); kept+left != size {
		t.Errorf("%d kept, %d left out of %d", kept, left, size)
	}
}

func TestSizesAsPeopleReadThem(t *testing.T) {
	s := New("x", 64<<20)
	if got := s.marker(934217728); got != "[weft: 934,217,728 bytes left out here; the log is capped at 64 MiB]\n" {
		t.Errorf("%s", got)
	}
	for n, want := range map[int64]string{1: "1 bytes", 1000: "1,000 bytes", 1536: "1,536 bytes", 2048: "2 KiB", 3 << 30: "3 GiB"} {
		if got := sizeOf(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}
