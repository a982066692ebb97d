package tests

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestAThousandGlueJobsAtOnce measures what watching costs: calls a minute, memory, processor time; of a
// thousand runs of one job and of a thousand jobs. It takes minutes, and belongs to the long run.
func TestAThousandGlueJobsAtOnce(t *testing.T) {
	if !soak() {
		t.Skip("a measurement of minutes: WEFT_SOAK=1")
	}
	for what, name := range map[string]string{"one job": "job", "a job each": "job_${{ index }}"} {
		t.Run(what, func(t *testing.T) {
			s := newStrait(t, abroads[0])
			w := s.world()
			file := w.write("many.yaml", fmt.Sprintf(`
id: many
max_active_tasks: 16
tasks:
  job:
    for_each: ${{ fromJSON("[%s0]") }}
    uses: glue.job
    with: {name: "%s", arguments: {--weft_sandbox: RUNNING 1h}}
  go: {uses: wait, with: {for: 60s}}
  still: {needs: go, run: echo "a slot is free"}
`, strings.Repeat("0,", 999), name))
			c := w.start("run", file, "--run-id", "r", "--json")
			eventually(t, "all are started", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.begun == 1000
			})
			eventually(t, "a task runs beside them", func() bool {
				return strings.Contains(mustRead(t, c.out), `"task_id":"still","attempt":1,"state":"success"`)
			})
			time.Sleep(3 * time.Minute) // until they are asked for as seldom as ever
			s.mu.Lock()
			before := s.asked
			s.mu.Unlock()
			ticks := cpu(t, c.Process.Pid)
			time.Sleep(4 * time.Minute)
			s.mu.Lock()
			calls := float64(s.asked-before) / 4
			s.mu.Unlock()
			t.Logf("1,000 watched, %s: %.0f calls a minute, %.2f %% of a core, %s resident, no slot held",
				what, calls, float64(cpu(t, c.Process.Pid)-ticks)/(4*60), resident(t, c.Process.Pid))
			if res := w.run("cancel", "r"); res.code != 0 {
				t.Errorf("cancel: %s%s", res.out, res.stderr)
			}
			_ = c.Wait()
		})
	}
}

// cpu is the processor time that a process has had, in hundredths of a second.
func cpu(t *testing.T, pid int) (ticks int) {
	t.Helper()
	var user, system int
	fields := strings.Fields(mustRead(t, fmt.Sprintf("/proc/%d/stat", pid)))
	if _, err := fmt.Sscan(fields[13], &user); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(fields[14], &system); err != nil {
		t.Fatal(err)
	}
	return user + system
}

func resident(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	return string(regexp.MustCompile(`VmRSS:\s+(.*)`).FindSubmatch(b)[1])
}
