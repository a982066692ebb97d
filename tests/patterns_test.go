package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// patterns asks each of the nine patterns for each of its ends, and each of the fan-ins: what
// happens, how it is asked for, the exit code, the states. $DIR is the test's folder. then looks at
// what the run has left, and may go on with it.
var patterns = []struct {
	dag, what, params string
	code              int
	states            string
	then              func(*pattern)
}{
	{"p1_one_task", "writes a number and returns a text", "", 0, "number=success object=success task1=success", wroteNumber(0)},
	{"p1_one_task", "gives the number of its seed", "seed=7", 0, "number=success object=success task1=success", wroteNumber(92)},

	{"p2_two_in_a_row", "both write and return", "seed=2", 0, "task1=success task2=success", bothWrote("dag2")},
	{"p2_two_in_a_row", "succeeds when forced to", "seed=1 chance=0", 0, "task1=success task2=success", bothWrote("dag2")},
	{"p2_two_in_a_row", "does not reach the second after a failure; a retry has better luck", "seed=1", 1, "task1=failed task2_object=upstream_failed task2=upstream_failed", luckier},
	{"p2_two_in_a_row", "fails when forced to", "seed=2 chance=100", 1, "task1=failed task2=upstream_failed", runFailed},

	{"p3_side_by_side", "both write and return", "seed=2", 0, "task1=success task2=success", bothWrote("dag3")},
	{"p3_side_by_side", "fails by one that the other does not mind; cleared alone it turns success", "seed=1", 1, "task1=failed task2=success", clearedAlone},

	{"p4_packages", "imports a package that is built once and sees no other", "", 0, "task1=success", isolated},

	{"p5_output_is_edge", "has an edge that nobody wrote", "name=acme", 0, "sender=success receiver=success", edgeIsSeen},

	{"p6_small_data", "hands a text to the task after the next", "", 0, "task1=success task2=success task3=success", sameText(1, 0)},
	{"p6_small_data", "hands on a text that spills", "repeat=2000", 0, "task1=success task2=success task3=success", sameText(2000, 1)},

	{"p7_large_data", "sends a file under the run's id, apart from another run's", "folder=$DIR", 0, "data=success task1=success task2=success task3=success compare=success", apart},

	{"p8_poll_job", "goes on when the job has succeeded", "step=0.01 seed=1", 0, "task0_doing=success task0=success task0_done=success task1=success task2=success", told8("succeeded")},
	{"p8_poll_job", "fails when the job has failed", "step=0.01 seed=3", 1, "task0=success task0_done=success task1=success task2=failed", told8("failed")},

	{"p8_glue_job", "goes on when the job has succeeded", "", 0, "task1=success task2=success", endedIn("SUCCEEDED")},
	{"p8_glue_job", "fails when the job has failed", "end=failed", 1, "task1=failed task2=upstream_failed", endedIn("FAILED")},
	{"p8_glue_job", "has the job stopped that takes too long", "end=slow", 1, "task1=failed task2=upstream_failed", endedIn("STOPPED")},

	{"jobs_elsewhere", "waits for four services, and uses what they gave", "", 0, "machine=success batch=success ecs=success emr=success told=success", logSays("told", "rows: 3, batch exited with 0", "ecs: app, emr: SUCCESS")},
	{"jobs_elsewhere", "says why each has failed", "end=failed", 1, "machine=failed batch=failed ecs=failed emr=failed told=upstream_failed", failedWith(map[string]string{
		"machine": "has failed (FAILED): Orders.Missing: no orders of that day", "batch": "the container exited with status 137; OutOfMemoryError",
		"ecs": "container app exited with status 2: no such report", "emr": "has failed (FAILED): Job failed, please check complete logs",
	})},
	{"jobs_elsewhere", "has each stopped that takes too long", "end=slow", 1, "machine=failed batch=failed ecs=failed emr=failed told=upstream_failed", failedWith(map[string]string{
		"machine": "timed out after 3s, execution nightly-weft-", "batch": "timed out after 3s, batch job nightly-weft-",
		"ecs": "timed out after 3s, ecs task ", "emr": "timed out after 3s, job run 00",
	})},

	{"orders_table", "enriches an order by a function", "", 0, "lock=success order=success enrich=success done=success seen=success told=success unlock=success", nil},
	{"orders_table", "gives the lock back when the function fails", "quantity=0", 1, "lock=success order=success enrich=failed done=upstream_failed seen=upstream_failed told=upstream_failed unlock=success", nil},

	{"p9_fan_out_fan_in", "gathers both", "pause=0 seed=1", 0, "task2=success task4=success task5=success task6=success", gathered(true, true)},
	{"p9_fan_out_fan_in", "gathers null for task2", "pause=0 seed=7", 0, "task2=failed task4=success task5=success task6=success", gathered(false, true)},
	{"p9_fan_out_fan_in", "gathers null for task4", "pause=0 seed=9", 0, "task2=success task4=failed task5=success task6=success", gathered(true, false)},
	{"p9_fan_out_fan_in", "gathers null for both", "pause=0 seed=11", 0, "task2=failed task4=failed task5=success task6=success", gathered(false, false)},

	{"fan_in_two_of_three", "goes on with three", "", 0, "publish=success", nil},
	{"fan_in_two_of_three", "goes on with two", "rows=fail", 0, "rows=failed nulls=success drift=success publish=success", nil},
	{"fan_in_two_of_three", "fails with one", "rows=fail nulls=fail", 1, "drift=success publish=upstream_failed", nil},
	{"fan_in_two_of_three", "skips where two are skipped", "nulls=skip drift=skip", 1, "rows=success nulls=skipped publish=skipped", nil},

	{"fan_in_one_and_another", "goes on with all", "", 0, "publish=success", nil},
	{"fan_in_one_and_another", "goes on with 1 and 2", "drift=fail", 0, "drift=failed publish=success", nil},
	{"fan_in_one_and_another", "goes on with 1 and 3", "nulls=fail", 0, "nulls=failed publish=success", nil},
	{"fan_in_one_and_another", "fails without 1", "rows=fail", 1, "rows=failed nulls=success drift=success publish=upstream_failed", nil},
	{"fan_in_one_and_another", "fails with 1 alone", "nulls=skip drift=fail", 1, "rows=success nulls=skipped publish=upstream_failed", nil},

	{"fan_in_most_parts", "goes on with eight of ten", "", 0, "part=failed publish=success", nil},
	{"fan_in_most_parts", "fails with seven", "bad=3", 1, "part=failed publish=upstream_failed", nil},

	{"nightly_orders", "publishes with two of three checks", "", 0, nightly + "rows=success nulls=success drift=failed publish=success on_success.mail=success", reported(true)},
	{"nightly_orders", "publishes with all checks", "bad=0", 0, nightly + "rows=success nulls=success drift=success publish=success on_success.mail=success", reported(true)},
	{"nightly_orders", "does not publish with one", "bad=2", 1, nightly + "rows=success nulls=failed drift=failed publish=upstream_failed on_failure.page=success", reported(false)},
}

const nightly = "shop=success shop_export=success export_ready=success clean=success orders=success figures=success load=success "

// TestThePatternsInEveryOutcome runs the table with --sandbox alone, and what needs AWS also against
// a real S3 server, and Glue of the test's own, that weft knows by the environment alone; and all of it on Temporal.
func TestThePatternsInEveryOutcome(t *testing.T) {
	client := withS3(t)
	offline(t)
	places := []place{inSandbox, onServer(client), onTemporal(t, client)}
	for _, o := range patterns {
		t.Run(strings.TrimSpace(o.dag+" "+o.what), func(t *testing.T) {
			t.Parallel()
			for _, in := range places {
				p := newPattern(t, in, o.dag, o.params)
				if in.client != nil && !p.needsAWS() {
					continue
				}
				t.Run(in.name, func(t *testing.T) {
					t.Parallel()
					p.t = t
					var res result
					p.sum, res = p.again()
					if got := p.sum.states(idsOf(o.states)...); got != o.states || res.code != o.code {
						t.Fatalf("exit %d, want %d\n got %s\nwant %s\n%s", res.code, o.code, got, o.states, res.stderr)
					}
					if o.then != nil {
						o.then(p)
					}
				})
			}
		})
	}
}

// idsOf are the tasks of a list of states.
func idsOf(states string) (ids []string) {
	for _, s := range strings.Fields(states) {
		ids = append(ids, s[:strings.LastIndex(s, "=")])
	}
	return ids
}

// offline lets pattern 4 find its package without an index, and puts another into weft's surroundings.
func offline(t *testing.T) {
	t.Helper()
	links, theirs := t.TempDir(), t.TempDir()
	for _, version := range []string{"1.9.9", "2.0.5", "3.0.0"} { // the range admits one of them
		writeS3Pathlib(t, links, version)
	}
	if err := os.MkdirAll(filepath.Join(theirs, "theirs-1.0.dist-info"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(theirs, "theirs-1.0.dist-info/METADATA"), []byte("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links, "PIP_CONFIG_FILE": os.DevNull, "UV_NO_INDEX": "1", "UV_FIND_LINKS": links,
		"PYTHONPATH": theirs,
	} {
		t.Setenv(name, value)
	}
}

// TestDiceAreTheRuns: without a seed the run's id is it, so each run is another and the same id the same.
func TestDiceAreTheRuns(t *testing.T) {
	numbers := map[string]string{}
	for _, id := range []string{"monday", "tuesday"} {
		for range 2 {
			p := newPattern(t, inSandbox, "p1_one_task", "")
			sum, _ := p.again("--run-id", id)
			content := string(sum.Tasks["number"].Output)
			number, _, _ := strings.Cut(content[strings.Index(content, `"value"`):], "}")
			if before := numbers[id]; before != "" && before != number {
				t.Errorf("run %s gives %s, then %s", id, before, number)
			}
			numbers[id] = number
		}
	}
	if numbers["monday"] == numbers["tuesday"] {
		t.Errorf("two runs throw the same dice: %s", numbers["monday"])
	}
}
