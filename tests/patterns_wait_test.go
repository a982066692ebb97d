package tests

import (
	"strings"
	"testing"
)

// changed is a pattern with another text: pairs of old and new, each of which must be there.
func (p *pattern) changed(pairs ...string) *pattern {
	p.t.Helper()
	text := mustRead(p.t, p.file)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			p.t.Fatalf("the example is not what this test thinks, %q is not in it:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	p.file = p.write("changed/"+p.dag()+".yaml", text)
	return p
}

func (p *pattern) dag() string {
	return strings.TrimSuffix(p.file[strings.LastIndex(p.file, "/")+1:], ".yaml")
}

// elsewhere is pattern 8 with the job left to the test, and shorter waits.
func elsewhere(t *testing.T, in place, timeout string) *pattern {
	t.Helper()
	return newPattern(t, in, "p8_poll_job", "simulate=false").
		changed("poke_interval: 2s", "poke_interval: 100ms", "timeout: 30s", "timeout: "+timeout)
}

// TestAJobThatNeverEnds is the third end of pattern 8.
func TestAJobThatNeverEnds(t *testing.T) {
	client := withS3(t)
	for _, in := range []place{inSandbox, onServer(client)} {
		t.Run(in.name, func(t *testing.T) {
			p := elsewhere(t, in, "700ms")
			if in.client != nil {
				p.put("dag8/task0.status.txt", "doing") // in the sandbox nobody writes even that
			}
			sum, res := p.again()
			if got := sum.states("task0", "task1", "task2"); res.code != 1 || got != "task0=skipped task1=failed task2=upstream_failed" {
				t.Errorf("exit %d, %s\n%s", res.code, got, res.stderr)
			}
			if reason := sum.Tasks["task1"].Reason; !strings.Contains(reason, "timeout") {
				t.Errorf("task1 failed by %q", reason)
			}
		})
	}
}

// TestAJobThatIsTooSlow: the same end with the job that the pattern plays.
func TestAJobThatIsTooSlow(t *testing.T) {
	p := newPattern(t, inSandbox, "p8_poll_job", "seed=1 step=0.2").
		changed("poke_interval: 2s", "poke_interval: 100ms", "timeout: 30s", "timeout: 700ms")
	sum, res := p.again()
	if got := sum.states("task0", "task1", "task2"); res.code != 1 || got != "task0=success task1=failed task2=upstream_failed" {
		t.Errorf("exit %d, %s\n%s", res.code, got, res.stderr)
	}
}

// TestAWaitOutlivesWeft: killed in the middle of pattern 8, it goes on where it was.
func TestAWaitOutlivesWeft(t *testing.T) {
	p := elsewhere(t, onServer(withS3(t)), "10m")
	p.killedInTheWait("r")
	p.put("dag8/task0.status.txt", "succeeded")
	res := p.run("runs", "resume", "r", "--json")
	sum := p.last(res.out)
	if got := sum.states("task0_doing", "task1", "task2"); res.code != 0 || got != "task0_doing=skipped task1=success task2=success" {
		t.Errorf("exit %d, %s\n%s", res.code, got, res.stderr)
	}
}

// killedInTheWait starts a run and kills weft as soon as task1 waits.
func (p *pattern) killedInTheWait(id string) {
	p.t.Helper()
	c := p.start(append([]string{"run", p.file, "--run-id", id, "--json"}, p.args...)...)
	eventually(p.t, "task1 waits", func() bool {
		return strings.Contains(mustRead(p.t, c.out), `"task_id":"task1","attempt":1,"state":"up_for_reschedule"`)
	})
	_ = c.Process.Kill()
	_ = c.Wait()
}

// TestAWaitInTheSandboxOutlivesWeft: the same with the job that the pattern plays. Nobody has to say
// --sandbox again: a run goes on where it began.
func TestAWaitInTheSandboxOutlivesWeft(t *testing.T) {
	p := newPattern(t, inSandbox, "p8_poll_job", "seed=1 step=0.05").changed("poke_interval: 2s", "poke_interval: 100ms")
	p.killedInTheWait("r")
	if out := p.run("runs").out; !strings.Contains(out, "cut off") {
		t.Errorf("weft runs says\n%s", out)
	}
	res := p.run("runs", "resume")
	for _, says := range []string{"  task0_doing  success ", "  task1        up_for_reschedule  attempt 1  gives up at "} { // before anything happens
		if !strings.Contains(res.out, says) {
			t.Errorf("resume does not say %q:\n%s", says, res.out)
		}
	}
	if !strings.Contains(res.stderr, "began with --sandbox and goes on in it") || !strings.Contains(res.stderr, "sandbox: AWS is the folder state/sandbox") {
		t.Errorf("resume says\n%s", res.stderr)
	}
	sum := p.last(p.run("runs", "show", "r", "--json").out)
	if got := sum.states("task0_doing", "task0", "task1", "task2"); res.code != 0 || got != "task0_doing=success task0=success task1=success task2=success" {
		t.Errorf("exit %d, %s\n%s", res.code, got, res.stderr)
	}
	for id, task := range sum.Tasks { // what was cut off runs again under its number
		if task.Attempts != 1 {
			t.Errorf("%s has %d attempts", id, task.Attempts)
		}
	}
}

// TestSixtyWaitsTakeTheSlotsOfOne: pattern 8 sixty times in one run that may do one thing at once.
// In the sandbox the job it plays needs that one slot.
func TestSixtyWaitsTakeTheSlotsOfOne(t *testing.T) {
	client := withS3(t)
	for _, in := range []place{inSandbox, onServer(client)} {
		t.Run(in.name, func(t *testing.T) {
			p := elsewhere(t, in, "10m").changed(
				"\ntasks:", "\nmax_active_tasks: 1\ntasks:", "    sensor:", "    for_each: ${{ 1..60 }}\n    sensor:",
				"tasks.task1.output", "tasks.task1.output[59]")
			if in.client == nil {
				p.args = append(p.args, "-p", "simulate=true", "-p", "step=0.1", "-p", "seed=1")
			} else {
				p.put("dag8/task0.status.txt", "doing")
			}
			c := p.start(append([]string{"run", p.file, "--json"}, p.args...)...)
			if in.client != nil {
				eventually(t, "all sixty wait", func() bool {
					return strings.Count(mustRead(t, c.out), `"state":"up_for_reschedule"`) >= 60
				})
				p.put("dag8/task0.status.txt", "succeeded")
			}
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
			sum := p.last(mustRead(t, c.out))
			if got := sum.states("task1", "task2"); got != "task1=success task2=success" || len(sum.Tasks["task1"].Instances) != 60 {
				t.Errorf("%s, %d instances", got, len(sum.Tasks["task1"].Instances))
			}
			if n := strings.Count(mustRead(t, c.out), `"state":"up_for_reschedule"`); n < 60 {
				t.Errorf("%d waited", n)
			}
		})
	}
}
