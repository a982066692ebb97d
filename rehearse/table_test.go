package rehearse_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"weft/machine"
	"weft/rehearse"
)

// fanIn is a DAG of n upstream tasks and a task that needs them all. Each upstream task but the first
// has one of its own before it, so that it can be upstream_failed too.
func fanIn(t testing.TB, n int, trigger machine.Trigger) *machine.Plan {
	t.Helper()
	p := &machine.Plan{Format: machine.PlanFormat, DAG: "fan", MaxActiveTasks: 16, Verdict: machine.Verdict{Rule: "leaves"}}
	join := machine.Task{ID: "join", Uses: "noop", Pool: "default", PoolSlots: 1, Trigger: trigger}
	for i := range n {
		up := machine.Task{ID: string(rune('a' + i)), Uses: "noop", Pool: "default", PoolSlots: 1, Trigger: machine.Trigger{Rule: "all_success"}}
		if i > 0 {
			before := up
			before.ID = "before_" + up.ID
			p.Tasks = append(p.Tasks, before)
			up.Needs = []string{before.ID}
		}
		p.Tasks = append(p.Tasks, up)
		join.Needs = append(join.Needs, up.ID)
	}
	p.Tasks = append(p.Tasks, join)
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// A bench runs one run of a plan in the machine, event by event.
type bench struct {
	run *machine.Run
	at  time.Time
}

func newBench(p *machine.Plan) *bench {
	b := &bench{run: machine.New(func(string) *machine.Plan { return p }), at: time.Unix(0, 0)}
	b.tell(machine.RunStarted{Rules: machine.Rules, DAG: p.DAG, Run: "r", RunType: "manual", Plan: "p"})
	return b
}

func (b *bench) tell(f machine.Fact) {
	b.at = b.at.Add(time.Second)
	b.run.Step(machine.Event{At: b.at, Fact: f})
}

// end has a task end in a state; upstream_failed by what is before it.
func (b *bench) end(id string, s machine.State) {
	key := machine.Key{Task: id, Index: -1, Attempt: 1}
	if id != "a" && !strings.HasPrefix(id, "before_") {
		before := machine.Success
		if s == machine.UpstreamFailed {
			before = machine.Failed
		}
		b.end("before_"+id, before)
	}
	if s != machine.UpstreamFailed {
		b.tell(machine.AttemptStarted{Key: key})
		b.tell(machine.AttemptEnded{Key: key, Outcome: machine.Outcome{State: s}})
	}
}

// became is what the machine has made of the join.
func (b *bench) became() string {
	switch s := b.run.States()["join"]; s {
	case machine.None:
		return "wait"
	case machine.Skipped:
		return "skip"
	case machine.UpstreamFailed, machine.Failed:
		return s.String()
	}
	return "run"
}

// holds compares a table with the machine: each row is run in every order in which the upstream tasks
// can end, and looked at after each end.
func holds(p *machine.Plan, table *rehearse.Table) error {
	for _, row := range table.Rows {
		for _, order := range permutations(len(row.States)) {
			b, ended := newBench(p), []int{}
			for i := -1; i < len(order); i++ {
				if i >= 0 {
					b.end(table.Upstream[order[i]], row.States[order[i]])
					ended = append(ended, order[i])
				}
				want := "wait"
				if slices.ContainsFunc(row.Soonest, func(set []int) bool {
					return !slices.ContainsFunc(set, func(j int) bool { return !slices.Contains(ended, j) })
				}) {
					want = row.Says
				}
				if got := b.became(); got != want {
					return fmt.Errorf("%v, after %v of %v: the machine says %s, the table %s", row.States, ended, table.Upstream, got, want)
				}
			}
		}
	}
	return nil
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for at := range n {
			out = append(out, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return out
}

// covers compares the folded table with the whole one: each row is in one fold at least, and none
// in one that says something else.
func covers(table *rehearse.Table, folds []rehearse.Fold) error {
	for _, row := range table.Rows {
		in := 0
		for _, f := range folds {
			fits := true
			var named []int
			for i, cell := range f.Cells {
				fits = fits && (cell == nil || slices.Contains(cell, row.States[i]))
				if cell != nil {
					named = append(named, i)
				}
			}
			if !fits {
				continue
			}
			if in++; f.Says != row.Says {
				return fmt.Errorf("%v is %s, and in the fold %v, %s", row.States, row.Says, f.Cells, f.Says)
			}
			if !slices.ContainsFunc(row.Soonest, func(set []int) bool { return slices.Equal(set, named) }) {
				return fmt.Errorf("%v: the fold %v names more or less than decides: %v", row.States, f.Cells, row.Soonest)
			}
		}
		if in == 0 {
			return fmt.Errorf("%v is in no fold", row.States)
		}
	}
	return nil
}

// triggers are every rule, expressions as people write them, and random ones.
func triggers(n int, rng *rand.Rand) (list []machine.Trigger) {
	for _, rule := range machine.TriggerRules() {
		list = append(list, machine.Trigger{Rule: rule})
	}
	add := func(src string) { list = append(list, machine.Trigger{Expr: &machine.Expr{Src: src}}) }
	add(`count(upstream, .state == "success") >= 2`)
	add(`success(a)`)
	add(`not done(a)`)
	add(`all(upstream, .state != "failed")`)
	for range 12 {
		add(someExpr(n, rng, 3))
	}
	return list
}

func someExpr(n int, rng *rand.Rand, depth int) string {
	state := []string{"success", "failed", "skipped", "upstream_failed"}[rng.IntN(4)]
	task := string(rune('a' + rng.IntN(n)))
	switch k := rng.IntN(7); {
	case depth > 0 && k < 3:
		return "(" + someExpr(n, rng, depth-1) + []string{" && ", " || "}[rng.IntN(2)] + someExpr(n, rng, depth-1) + ")"
	case k == 3:
		return fmt.Sprintf("count(upstream, .state == %q) %s %d", state, []string{">=", "<", "==", "!="}[rng.IntN(4)], rng.IntN(n+1))
	case k == 4:
		return fmt.Sprintf("%s(upstream, .state %s %q)", []string{"any", "all", "none"}[rng.IntN(3)], []string{"==", "!="}[rng.IntN(2)], state)
	case k == 5:
		return fmt.Sprintf("not %s(%s)", []string{"success", "failed", "skipped", "done"}[rng.IntN(4)], task)
	}
	return fmt.Sprintf("tasks.%s.state == %q", task, state)
}

// TestTheTableIsTheMachine runs every combination of ends, in every order, in the machine.
func TestTheTableIsTheMachine(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	rows := 0
	for n := 1; n <= 3; n++ {
		for _, trigger := range triggers(n, rng) {
			p := fanIn(t, n, trigger)
			table, err := rehearse.Exhaust(p, "join")
			if err != nil {
				t.Fatal(err)
			}
			if rows += len(table.Rows); len(table.Rows) != 3*[]int{1, 4, 16}[n-1] {
				t.Errorf("%d rows of %d upstream tasks", len(table.Rows), n)
			}
			if err := holds(p, table); err != nil {
				t.Errorf("trigger %s: %v", table.Trigger, err)
			}
			if err := covers(table, table.Folds()); err != nil {
				t.Errorf("trigger %s, folded: %v", table.Trigger, err)
			}
		}
	}
	t.Logf("%d rows", rows)
}

// TestALieIsFound plants one wrong word, and one wrong moment, in a table.
func TestALieIsFound(t *testing.T) {
	p := fanIn(t, 3, machine.Trigger{Rule: "one_success"})
	for name, lie := range map[string]func(*rehearse.TableRow){
		"what it says": func(r *rehearse.TableRow) { r.Says = "skip" },
		"when":         func(r *rehearse.TableRow) { r.Soonest = [][]int{{0, 1, 2}} },
	} {
		table, err := rehearse.Exhaust(p, "join")
		if err != nil {
			t.Fatal(err)
		}
		if lie(&table.Rows[3]); holds(p, table) == nil {
			t.Errorf("nobody sees that %s is wrong", name)
		}
	}
}

// TestTablesHaveBounds: what cannot be listed is said.
func TestTablesHaveBounds(t *testing.T) {
	if _, err := rehearse.Exhaust(fanIn(t, 9, machine.Trigger{Rule: "all_done"}), "join"); err == nil || !strings.Contains(err.Error(), "8 at most") {
		t.Errorf("nine: %v", err)
	}
	begin := time.Now()
	p := fanIn(t, 8, machine.Trigger{Rule: "none_failed_min_one_success"})
	table, err := rehearse.Exhaust(p, "join")
	if err != nil || len(table.Rows) != 3*16384 {
		t.Fatalf("eight: %v", err)
	}
	t.Logf("8 upstream tasks: %d rows, %d folded, %v", len(table.Rows), len(table.Folds()), time.Since(begin))
}
