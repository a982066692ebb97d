package expr

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	exprlang "github.com/expr-lang/expr"
)

// rounds is how many random triggers a property is tried on.
const rounds = 3000

func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// Once a trigger is decided, no way in which the open states may turn out changes the answer.
func TestJudgeIsMonotone(t *testing.T) {
	r := seeded(t)
	decided := 0
	for range rounds {
		trigger, facts := randomTruth(r, 3, ""), randomFleet(r)
		early, err := Judge(trigger, facts)
		if err != nil {
			t.Fatalf("%s over %v: %v", trigger, facts, err)
		}
		if early.Truth == Unknown {
			continue
		}
		decided++
		for range 8 {
			facts := facts.completed(r)
			late, err := Judge(trigger, facts)
			if err != nil || late.Truth != early.Truth {
				t.Fatalf("%s\nwas %v, and over %v is %v, %v", trigger, early.Truth, facts, late.Truth, err)
			}
		}
	}
	if decided < rounds/10 {
		t.Errorf("only %d of %d were decided early: the property has hardly been tried", decided, rounds)
	}
}

// With nothing open, Judge is plain evaluation, as expr-lang itself does it.
func TestJudgeIsPlainWhenAllHasFinished(t *testing.T) {
	r := seeded(t)
	counted := map[Truth]int{}
	for range rounds {
		trigger, facts := randomTruth(r, 3, ""), randomFleet(r).completed(r)
		got, err := Judge(trigger, facts)
		if err != nil {
			t.Fatalf("%s over %v: %v", trigger, facts, err)
		}
		want, err := exprlang.Eval(strings.ReplaceAll(trigger, "(load-it)", `("load-it")`), facts.plain())
		if err != nil {
			t.Fatalf("%s: expr-lang says %v", trigger, err)
		}
		if (got.Truth == True) != want.(bool) || got.Truth == Unknown || !strings.Contains(trigger, got.Because) || got.Because == "" {
			t.Fatalf("%s\nover %v\n got %v because %q\nwant %v", trigger, facts, got.Truth, got.Because, want)
		}
		counted[got.Truth]++
	}
	if counted[True] < rounds/20 || counted[False] < rounds/20 {
		t.Errorf("too one-sided: %v", counted)
	}
}

// Because is a trigger of its own, and it is decided where the whole is.
func TestBecauseDecides(t *testing.T) {
	r := seeded(t)
	for range rounds {
		trigger, facts := randomTruth(r, 3, ""), randomFleet(r)
		whole, err := Judge(trigger, facts)
		if err != nil || whole.Truth == Unknown {
			continue
		}
		if part, err := Judge(whole.Because, facts); err != nil || part.Truth == Unknown {
			t.Fatalf("%s\nover %v is %v because %q, which is %v, %v", trigger, facts, whole.Truth, whole.Because, part.Truth, err)
		}
	}
}

var randomTasks = []string{"a", "b", "c", "load-it", "part", "big"}

func randomFleet(r *rand.Rand) *fleet {
	f := &fleet{order: randomTasks, state: map[string]string{}, parts: map[string][]string{}}
	for _, name := range randomTasks[:4] {
		f.state[name] = randomState(r)
	}
	for _, name := range randomTasks[4:] {
		parts := []string{}
		for range r.IntN(5) {
			if s := randomState(r); s == "" {
				parts = append(parts, "open")
			} else {
				parts = append(parts, s)
			}
		}
		if r.IntN(4) == 0 {
			parts = []string{"*"}
		}
		f.parts[name], f.state[name] = parts, ofInstances(parts)
	}
	return f
}

func randomState(r *rand.Rand) string { return append(finished, "", "")[r.IntN(6)] }

// completed gives every open state some end.
func (f *fleet) completed(r *rand.Rand) *fleet {
	g := &fleet{order: f.order, state: maps.Clone(f.state), parts: maps.Clone(f.parts)}
	end := func() string { return finished[r.IntN(len(finished))] }
	for _, name := range randomTasks {
		parts, mapped := g.parts[name]
		if !mapped {
			if g.state[name] == "" {
				g.state[name] = end()
			}
			continue
		}
		if len(parts) == 1 && parts[0] == "*" {
			parts = make([]string, r.IntN(6))
			for i := range parts {
				parts[i] = "open"
			}
		}
		whole := make([]string, len(parts))
		for i, p := range parts {
			if whole[i] = p; p == "open" {
				whole[i] = end()
			}
		}
		g.parts[name], g.state[name] = whole, ofInstances(whole)
	}
	return g
}

// plain is the fleet as expr-lang's environment.
func (f *fleet) plain() map[string]any {
	var upstream []any
	tasks := map[string]any{}
	env := map[string]any{"tasks": tasks}
	for _, name := range f.order {
		upstream = append(upstream, map[string]any{"id": name, "state": f.state[name]})
		var instances []any
		for i, s := range f.parts[name] {
			instances = append(instances, map[string]any{"index": i, "state": s})
		}
		if instances == nil {
			instances = []any{}
		}
		tasks[name] = map[string]any{"state": f.state[name], "instances": instances}
		env[name] = name // so that success(a) is success("a")
	}
	env["upstream"] = upstream
	for _, op := range stateFunctions {
		env[op] = func(task string) bool { return op == "done" || f.state[task] == op }
	}
	return env
}

// randomTruth writes a trigger; inside a predicate `in` is the list it walks.
func randomTruth(r *rand.Rand, depth int, in string) string {
	if depth == 0 {
		return randomLeaf(r, in)
	}
	sub := func() string { return randomTruth(r, depth-1, in) }
	switch r.IntN(9) {
	case 0:
		return "(" + sub() + ") && (" + sub() + ")"
	case 1:
		return "(" + sub() + ") or (" + sub() + ")"
	case 2:
		return "not (" + sub() + ")"
	case 3:
		return "((" + sub() + ") ? " + sub() + " : " + sub() + ")"
	case 4:
		return "(" + sub() + ") == (" + sub() + ")"
	case 5, 6:
		if in == "" {
			list, body := randomPredicate(r, depth)
			return []string{"all", "any", "none"}[r.IntN(3)] + "(" + list + ", " + body + ")"
		}
	case 7:
		if in == "" {
			return randomCount(r, depth) + []string{" == ", " != ", " < ", " <= ", " > ", " >= "}[r.IntN(6)] + randomCount(r, depth)
		}
	}
	return randomLeaf(r, in)
}

func randomLeaf(r *rand.Rand, in string) string {
	task := randomTasks[r.IntN(len(randomTasks))]
	state := fmt.Sprintf("tasks[%q].state", task)
	if in != "" && r.IntN(2) == 0 {
		state = ".state"
	}
	list := fmt.Sprintf(`["%s", "%s"]`, finished[r.IntN(4)], finished[r.IntN(4)])
	switch r.IntN(8) {
	case 0, 1:
		return stateFunctions[r.IntN(4)] + "(" + task + ")"
	case 2:
		return state + fmt.Sprintf(" != %q", finished[r.IntN(4)])
	case 3:
		return state + " in " + list
	case 4:
		return state + " not in " + list
	case 5:
		switch in {
		case "upstream":
			return fmt.Sprintf(".id == %q", task)
		case "instances":
			return fmt.Sprintf(".index < %d", r.IntN(4))
		}
	case 6:
		return state + fmt.Sprintf(" == tasks[%q].state", randomTasks[r.IntN(len(randomTasks))])
	}
	return state + fmt.Sprintf(" == %q", finished[r.IntN(4)])
}

func randomPredicate(r *rand.Rand, depth int) (list, body string) {
	if r.IntN(2) == 0 {
		return "upstream", randomTruth(r, depth-1, "upstream")
	}
	return "tasks." + randomTasks[4+r.IntN(2)] + ".instances", randomTruth(r, depth-1, "instances")
}

func randomCount(r *rand.Rand, depth int) string {
	if depth == 0 {
		return fmt.Sprint(r.IntN(5))
	}
	list, body := randomPredicate(r, depth)
	switch r.IntN(7) {
	case 0:
		return "len(" + list + ")"
	case 1, 2:
		return "count(" + list + ", " + body + ")"
	case 3:
		return "(" + randomCount(r, depth-1) + " + " + randomCount(r, depth-1) + ")"
	case 4:
		return "(" + randomCount(r, depth-1) + " - " + randomCount(r, depth-1) + ")"
	case 5:
		return randomCount(r, depth-1) + fmt.Sprintf(" * %d", r.IntN(4)-1)
	case 6:
		return randomCount(r, depth-1) + fmt.Sprintf(" / %d", 1+r.IntN(4))
	}
	return fmt.Sprint(r.IntN(6))
}
