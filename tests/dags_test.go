package tests

import (
	"path/filepath"
	"strings"
	"testing"
)

// outcomes asks each example for each of its ends, of both engines: parameters, exit code, states.
var outcomes = []struct {
	dag, params string
	code        int
	states      string
}{
	{"hello", "", 0, "export=success arrived=success clean=success check=failed report=success tidy=success"},
	{"hello", "flaky=false", 0, "clean=success report=success"},

	{"branch", "", 0, "full=skipped delta=success publish=success"},
	{"branch", "mode=full", 0, "full=success delta=skipped publish=success"},
	{"branch", "mode=none", 0, "full=skipped delta=skipped publish=skipped"},

	{"retry", "", 0, "call=success after=success"},
	{"retry", "good_from=9", 1, "call=failed after=upstream_failed"},
	{"retry", "code=99", 0, "call=skipped after=skipped"},
	{"retry", "code=100", 1, "call=failed after=upstream_failed"},
	{"retry", "code=42", 1, "call=failed after=upstream_failed"},

	{"mapped", "", 0, "plan=success part=failed region=success most=success"},
	{"mapped", "bad=0", 0, "part=success most=success"},
	{"mapped", "bad=3", 1, "part=failed most=upstream_failed"},
	{"mapped", "parts=0", 1, "part=skipped most=skipped"},

	{"sensors", "", 0, "pause=success file=skipped script=failed third_time=success go=success late=success"},
	{"sensors", "file=/bin/sh", 0, "file=success script=success go=success late=success"},

	{"callbacks", "", 0, "load=success publish=success on_success.mail=success"},
	{"callbacks", "ok=false", 1, "load=failed publish=upstream_failed load.on_failure.ticket=success on_failure.mail=success on_failure.page=failed"},
	{"callbacks", "slow=true", 0, "load=success on_late.warn=success on_success.mail=success"},

	{"data", "", 0, "lines=success last_line=success argv=success together=success big=success size=success"},

	{"artifacts", "", 0, "train=success part=success use=success"},
	{"artifacts", "make_model=false", 1, "train=failed part=success use=upstream_failed"},

	{"verdicts", "", 0, "optional=failed core=success cleanup=success"},
	{"verdicts", "core=fail", 1, "optional=failed core=failed cleanup=success"},

	// TestTheExampleOfSecrets has it with its secret.
	{"secrets", "", 1, "env=failed script=failed python=failed after=upstream_failed"},

	{"chain", "", 0, "load=success report=success"},
	{"chain", "bad=south", 0, "load=failed report=success"},
	{"chain", "bad=north,south", 1, "load=failed report=upstream_failed"},
	{"chain_region", "region=north", 0, "extract=success load=success fails=skipped"},

	{"slots", "", 0, "waits=success first=success second=success wide=success rest=success"},
}

func TestEveryExampleInEveryOutcome(t *testing.T) {
	folder, err := filepath.Abs("../dags")
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t)
	c.env = append(c.env, "WEFT_DAGS="+folder)
	c.three()
	for _, o := range outcomes {
		t.Run(strings.TrimSpace(o.dag+" "+o.params), func(t *testing.T) {
			t.Parallel()
			args := []string{filepath.Join(folder, o.dag+".yaml"), "--dags", folder}
			for _, p := range strings.Fields(o.params) {
				args = append(args, "-p", p)
			}
			for _, on := range []*cluster{nil, c} {
				w, engine := newWorld(t), "here"
				if on != nil {
					engine = "on Temporal"
					on.joins(w)
				}
				sum, res := w.runJSON(args...)
				if got := sum.states(idsOf(o.states)...); got != o.states || res.code != o.code {
					t.Errorf("%s: exit %d, want %d\n got %s\nwant %s\n%s", engine, res.code, o.code, got, o.states, res.stderr)
				}
			}
		})
	}
}

// TestEveryExampleIsListed keeps the table whole: a new example needs its outcomes.
func TestEveryExampleIsListed(t *testing.T) {
	files, err := filepath.Glob("../dags/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	listed := map[string]bool{}
	for _, o := range outcomes {
		listed[o.dag] = true
	}
	for _, o := range patterns {
		listed[o.dag] = true
	}
	for _, f := range files {
		if strings.HasSuffix(f, ".test.yaml") { // TestShippedTests has those
			continue
		}
		if name := strings.TrimSuffix(filepath.Base(f), ".yaml"); !listed[name] {
			t.Errorf("dags/%s.yaml has no line in outcomes or patterns", name)
		}
	}
}

// TestTheExamplesAreSilent: the validator has nothing to say of any, not even a remark; nor of what
// somebody wrote who comes from Airflow and has read the pages (testdata/newcomer).
func TestTheExamplesAreSilent(t *testing.T) {
	for _, dir := range []string{"../dags", "testdata/newcomer"} {
		abs, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		res := newWorld(t).run("validate", "--strict", "--format", "json", abs)
		if want := `"diagnostics":[]`; res.code != 0 || !strings.Contains(strings.ReplaceAll(res.out, " ", ""), want) {
			t.Errorf("%s: exit %d\n%s%s", dir, res.code, res.out, res.stderr)
		}
	}
}

func TestTheDataOfTheDataExampleArrives(t *testing.T) {
	w := newWorld(t)
	file, _ := filepath.Abs("../dags/data.yaml")
	hostile := `a'b"c $(touch canary) ` + "`touch canary`" + ` \ ; touch canary`
	sum, _ := w.runJSON(file, "-p", "name="+hostile)
	if got, want := string(sum.Tasks["together"].Output), `"argv":"export-3.csv"`; !strings.Contains(got, want) {
		t.Errorf("together gave %s, want %s in it", got, want)
	}
	if got, want := string(sum.Tasks["size"].Output), "200000"; got != want {
		t.Errorf("size gave %s, want %s", got, want)
	}
	if got, want := string(sum.Tasks["last_line"].Output), `"done with a'b\"c $(touch canary)`; !strings.HasPrefix(got, want) {
		t.Errorf("last_line gave %s, want it to begin with %s", got, want)
	}
}
