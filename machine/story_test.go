package machine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weft/expr"
)

// epoch is when every story begins: a Friday night.
var epoch = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

// A story is a run that is told step by step, and the engine around it: a clock and timers.
type story struct {
	t      *testing.T
	names  []string // of the plans
	plans  map[string]*Plan
	hashes map[string]string
	start  RunStarted
	run    *Run
	now    time.Time
	timers map[string]time.Time
	events []Event
	decide *Decide // the last one that was ordered
	finish *Finish
	lines  []string
}

func newStory(t *testing.T) *story {
	s := &story{
		t: t, plans: map[string]*Plan{}, hashes: map[string]string{}, timers: map[string]time.Time{}, now: epoch,
		start: RunStarted{
			Rules: Rules, DAG: "story", Run: "r1", RunType: "scheduled", LogicalDate: epoch.Add(-time.Hour),
			IntervalStart: epoch.Add(-time.Hour), IntervalEnd: epoch, DS: "2026-01-02",
		},
	}
	s.addPlan("one")
	return s
}

func (s *story) addPlan(name string) {
	s.names = append(s.names, name)
	s.plans[name] = &Plan{Format: PlanFormat, DAG: "story", MaxActiveTasks: 16, Verdict: Verdict{Rule: "leaves"}}
}

func (s *story) last() *Plan { return s.plans[s.names[len(s.names)-1]] }

// seal takes the plans through their serialised form, as a run finds them.
func (s *story) seal() {
	for name, p := range s.plans {
		body, hash := p.Encode()
		sealed, err := DecodePlan(body)
		if err != nil {
			s.t.Fatal(err)
		}
		s.plans[name], s.hashes[name] = sealed, hash
	}
	s.start.Plan = s.hashes["one"]
	s.run = New(s.find)
}

func (s *story) find(hash string) *Plan {
	for name, h := range s.hashes {
		if h == hash {
			return s.plans[name]
		}
	}
	return nil
}

func (s *story) say(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *story) taken() []string {
	out := s.lines
	s.lines = nil
	return out
}

// tell steps the run by a fact and says what came of it.
func (s *story) tell(f Fact) {
	ev := Event{At: s.now, Fact: f}
	cmds := s.run.Step(ev)
	for _, ch := range s.run.Changes() {
		s.say("%s", s.changeLine(ch))
	}
	for _, cmd := range cmds {
		s.say("=> %s", s.commandLine(cmd))
		switch cmd := cmd.(type) {
		case SetTimer:
			s.timers[cmd.Timer] = cmd.At
		case DropTimer:
			delete(s.timers, cmd.Timer)
		case Decide:
			s.decide = &cmd
		case Finish:
			s.finish = &cmd
		}
	}
	if len(cmds)+len(s.run.Changes()) == 0 {
		s.say("nothing changes")
	}
	if err := invariants(s.run); err != nil {
		s.t.Fatalf("after %s: %v", ev.Name(), err)
	}
	if s.run.plan != nil { // what comes before run_started is in no journal
		s.events = append(s.events, ev)
		s.sameRun()
	}
}

// sameRun compares the run with its replay and with what a snapshot restores.
func (s *story) sameRun() {
	s.t.Helper()
	events, err := viaJSON(s.events)
	if err != nil {
		s.t.Fatal(err)
	}
	replayed, err := Replay(s.find, events)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := sameRuns(s.run, replayed); err != nil {
		s.t.Fatalf("replayed: %v", err)
	}
	b, err := s.run.Snapshot()
	if err != nil {
		s.t.Fatal(err)
	}
	restored, err := Restore(s.find, b)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := sameRuns(s.run, restored); err != nil {
		s.t.Fatalf("restored: %v", err)
	}
}

func viaJSON(events []Event) ([]Event, error) {
	out := make([]Event, len(events))
	for i, ev := range events {
		b, err := json.Marshal(ev)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sameRuns says in what two runs differ, for whoever can look at one.
func sameRuns(a, b *Run) error {
	if a.Hash() != b.Hash() {
		return fmt.Errorf("hash %x is not %x", b.Hash(), a.Hash())
	}
	if x, y := a.Outstanding(), b.Outstanding(); !reflect.DeepEqual(x, y) {
		return fmt.Errorf("outstanding\n%+v\nis not\n%+v", y, x)
	}
	views := func(r *Run) (string, error) {
		var all []any
		all = append(all, r.Summarize())
		for _, list := range [][]*node{r.nodes, r.callList} {
			for _, n := range list {
				e, _ := r.Explain(n.id)
				all = append(all, e)
				for k := range n.inst {
					if o, ok := r.Order(n.key(k)); ok {
						all = append(all, o.Tasks, o.Attempt, o.Since, o.Item, o.ItemKey, o.ItemRef, o.Error)
					}
				}
			}
		}
		b, err := json.Marshal(all)
		return string(b), err
	}
	x, err := views(a)
	if err != nil {
		return err
	}
	y, err := views(b)
	if err != nil {
		return err
	}
	if x != y {
		return fmt.Errorf("it looks so\n%s\nand not so\n%s", y, x)
	}
	return nil
}

// step carries out one line of a script.
func (s *story) step(words []string) error {
	switch args := words[1:]; words[0] {
	case "start":
		s.tell(s.start)
	case "admitted":
		s.tell(RunAdmitted{})
	case "intended", "submitted":
		return s.remote(words[0], args)
	case "started", "ended", "lost":
		return s.attempt(words[0], args)
	case "advance":
		return s.advance(args[0])
	case "fire":
		s.tell(TimerFired{Timer: args[0]})
	case "past":
		return s.past(args)
	case "evaluated":
		return s.evaluated(args)
	case "cancel":
		s.tell(CancelAsked{By: value(args, "by"), Reason: value(args, "reason")})
	case "decide", "finish":
		return s.answer(words)
	case "reopen":
		plan := cmp.Or(value(args, "plan"), "one")
		tasks := strings.FieldsFunc(value(args, "tasks"), func(r rune) bool { return r == ',' })
		s.tell(Reopened{By: value(args, "by"), Tasks: tasks, Plan: s.hashes[plan], Epoch: s.run.epoch + 1})
	case "mark":
		var st State
		if err := st.UnmarshalText([]byte(args[1])); err != nil {
			return err
		}
		s.tell(Marked{By: value(args, "by"), Task: args[0], State: st})
	case "repeat":
		s.tell(s.events[len(s.events)-1].Fact)
	default:
		return s.look(words[0], args)
	}
	return nil
}

// look shows something of the run and changes nothing.
func (s *story) look(what string, args []string) error {
	switch what {
	case "states":
		var parts []string
		for _, n := range s.run.nodes {
			parts = append(parts, n.id+"="+n.state.String())
		}
		s.say("%s: %s", s.run.State(), strings.Join(parts, " "))
	case "explain":
		return s.explain(args[0])
	case "summary":
		s.summary()
	case "outstanding":
		for _, cmd := range s.run.Outstanding() {
			s.say("=> %s", s.commandLine(cmd))
		}
	case "eval":
		return s.eval(args[0], unquote(args[1]))
	case "replay":
		s.sameRun()
		s.say("the same: hash, states, orders (%d events)", len(s.events))
	default:
		return fmt.Errorf("nobody knows %q", what)
	}
	return nil
}

// key reads a or a[1], the attempt at hand, or a whole key: a/-/0/1.
func (s *story) key(word string) (Key, error) {
	if parts := strings.Split(word, "/"); len(parts) == 4 {
		k := Key{Task: parts[0], Index: -1}
		if parts[1] != "-" {
			k.Index, _ = strconv.Atoi(parts[1])
		}
		k.Epoch, _ = strconv.Atoi(parts[2])
		k.Attempt, _ = strconv.Atoi(parts[3])
		return k, nil
	}
	id, index, ok := strings.Cut(strings.TrimSuffix(word, "]"), "[")
	k := -1
	if ok {
		k, _ = strconv.Atoi(index)
	}
	n := s.run.node(id, k)
	if n == nil || len(n.inst) == 0 {
		return Key{}, fmt.Errorf("%s has no attempt", word)
	}
	if n.ti < 0 {
		k = 0
	}
	return n.key(max(k, 0)), nil
}

func (s *story) attempt(what string, args []string) error {
	key, err := s.key(args[0])
	if err != nil {
		return err
	}
	switch what {
	case "started":
		s.tell(AttemptStarted{key})
		return nil
	case "lost":
		s.tell(AttemptLost{Key: key, Reason: value(args, "reason"), Ordered: slices.Contains(args, "ordered")})
		return nil
	}
	out := Outcome{Kind: value(args, "kind"), Error: value(args, "error"), Final: slices.Contains(args, "final")}
	if err := out.State.UnmarshalText([]byte(args[1])); err != nil {
		return err
	}
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, "output="); ok {
			out.Output = Raw(v)
		}
	}
	if v := value(args, "ref"); v != "" {
		out.Ref = &Ref{URI: v, Size: 100000, SHA256: "0a"}
	}
	for _, v := range strings.FieldsFunc(value(args, "artifacts"), func(r rune) bool { return r == ',' }) {
		name, uri, _ := strings.Cut(v, "=")
		a := Artifact{Name: name, Ref: Ref{URI: uri, Size: 1 << 30, SHA256: "0b"}}
		if a.Executable = strings.HasSuffix(uri, ".sh"); a.Folder() {
			a.Files = 3
		}
		out.Artifacts = append(out.Artifacts, a)
	}
	if v := value(args, "exit"); v != "" {
		code, err := strconv.Atoi(v)
		if err != nil {
			return err
		}
		out.Exit = &code
	}
	s.tell(AttemptEnded{Key: key, Outcome: out})
	return nil
}

func (s *story) remote(what string, args []string) error {
	key, err := s.key(args[0])
	if err != nil {
		return err
	}
	if what == "intended" {
		s.tell(RemoteIntended{Key: key, Token: cmp.Or(value(args, "token"), "token-"+key.String()), Target: Raw(`{"name":"x"}`)})
		return nil
	}
	s.tell(RemoteSubmitted{Key: key, Handle: Raw(`{"run":"` + value(args, "run") + `"}`), Text: "job run " + value(args, "run")})
	return nil
}

// value finds name=value among words.
func value(words []string, name string) string {
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return unquote(v)
		}
	}
	return ""
}

// advance lets time pass; timers fire as they come due.
func (s *story) advance(by string) error {
	d, err := time.ParseDuration(by)
	if err != nil {
		return err
	}
	until, before := s.now.Add(d), len(s.lines)
	for {
		name := ""
		for n, at := range s.timers {
			if !at.After(until) && (name == "" || at.Before(s.timers[name]) || (at.Equal(s.timers[name]) && n < name)) {
				name = n
			}
		}
		if name == "" {
			break
		}
		s.now = later(s.now, s.timers[name])
		delete(s.timers, name)
		s.say("%s, %s fires:", s.when(s.now), name)
		s.tell(TimerFired{Timer: name})
	}
	if s.now = until; len(s.lines) == before {
		s.say("nothing happens")
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (s *story) past(args []string) error {
	n := s.run.node(args[0], -1)
	if n == nil || len(args) < 2 {
		return fmt.Errorf("whose past, and how was it?")
	}
	s.tell(PastAnswered{Task: args[0], Epoch: n.epoch, OK: args[1] == "ok", Run: value(args, "run")})
	return nil
}

func (s *story) evaluated(args []string) error {
	f := Evaluated{ID: args[0], Error: value(args, "error")}
	if v := value(args, "value"); v != "" {
		f.Value = Raw(v)
	}
	if v := value(args, "ref"); v != "" {
		f.Ref = &Ref{URI: v, Size: 100000, SHA256: "0a"}
	}
	if v := value(args, "len"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return err
		}
		f.Len = n
	}
	s.tell(f)
	return nil
}

// answer carries out the last Decide or Finish that was ordered; a state as word answers otherwise.
func (s *story) answer(words []string) error {
	other := RunState("")
	if len(words) > 1 {
		other = RunState(words[1])
	}
	switch {
	case words[0] == "decide" && s.decide != nil:
		s.tell(RunDecided{State: cmp.Or(other, s.decide.State), Reason: s.decide.Reason})
	case words[0] == "finish" && s.finish != nil:
		s.tell(RunFinished{State: cmp.Or(other, s.finish.State)})
	default:
		return fmt.Errorf("nobody ordered that")
	}
	return nil
}

// eval shows what an expression is worth for an attempt.
func (s *story) eval(word, src string) error {
	key, err := s.key(word)
	if err != nil {
		return err
	}
	o, ok := s.run.Order(key)
	if !ok {
		return fmt.Errorf("%s is not outstanding", key)
	}
	vars, err := o.Vars(nil)
	if err != nil {
		return err
	}
	v, err := expr.Eval(src, vars)
	if err != nil {
		return err
	}
	b, err := expr.EncodeJSON(v)
	s.say("%s", b)
	return err
}
