package tests

import (
	"path/filepath"
	"strconv"
	"strings"
)

// second is the id of a run as the pattern's row has it.
const second = "manual__2023-01-01T01:23:45.123456+00:00"

// mostToSend is what weft may take to send a file of any size, in KiB; in the sandbox it is the server
// too, and of two runs at once.
const (
	mostToSend  = 128 << 10
	mostToServe = 192 << 10
)

// apart: two runs at once have an object each, under their ids, and a large file takes no memory.
// That what came back is what was sent is the pattern's own last task. In the sandbox, which belongs to one weft at a time, the two are cut off and go on together.
func apart(p *pattern) {
	size := 64 << 20
	if soak() {
		size = 1 << 30
	}
	args := append(p.args, "-p", "size="+strconv.Itoa(size))
	var both []*pending
	for _, id := range []string{second, "other"} {
		c := p.start(append([]string{"run", p.file, "--run-id", id, "--json"}, args...)...)
		if p.client != nil {
			both = append(both, c)
			continue
		}
		eventually(p.t, id+" has begun", func() bool { return strings.Contains(mustRead(p.t, c.out), "run_started") })
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	if p.client == nil {
		both = append(both, p.start("runs", "resume"))
	}
	most := int64(mostToSend)
	if p.client == nil {
		most = mostToServe
	}
	for _, c := range both {
		if err := c.Wait(); err != nil {
			p.t.Errorf("%s: %v\n%s", c.Args, err, mustRead(p.t, c.out))
		}
		p.t.Logf("%d KiB for %d bytes", c.peak(), size)
		if c.peak() > most {
			p.t.Errorf("weft took %d KiB to send %d bytes", c.peak(), size)
		}
	}
	for id, size := range map[string]int{p.sum.Run: 1 << 20, second: size, "other": size} {
		h := p.head("p7_large_data/" + id + "/task1.output.txt")
		if want := len("data of "+id+"\n") + size; !h.Exists || h.Size != int64(want) || h.Kind != "text/plain" {
			p.t.Errorf("%s: %+v, want %d bytes of text/plain", id, h, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, "weft-p7-*")); len(left) > 0 {
		p.t.Errorf("left over: %q", left)
	}
}
