package machine

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// declare reads one line of a DAG:
//
//	run type=scheduled interval_end=+1h params={"n":1} hold max_instances=3
//	plan two                       (what follows is another version)
//	dag timeout=10m deadline=1h verdict=strict env.A="x"
//	task b needs=a trigger=one_success retries=2 retry_delay=1m sensor{interval=2s timeout=30s soft_fail}
//	on_failure mail                (a callback of the DAG)
//	b.on_failure mail when="…"     (of a task)
func (s *story) declare(words []string) error {
	switch word := words[0]; {
	case word == "run":
		return s.declareRun(words[1:])
	case word == "plan":
		s.addPlan(words[1])
		return nil
	case word == "dag":
		return declareDAG(s.last(), words[1:])
	case word == "task":
		t, err := newTask(words[1:])
		s.last().Tasks = append(s.last().Tasks, t)
		return err
	case strings.Contains(word, "on_"):
		return declareCallback(s.last(), word, words[1:])
	}
	return fmt.Errorf("nobody knows %q", words[0])
}

func (s *story) declareRun(words []string) error {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "type":
			s.start.RunType = value
		case "interval_end":
			d, err := time.ParseDuration(strings.TrimPrefix(value, "+"))
			if err != nil {
				return err
			}
			s.start.IntervalEnd = epoch.Add(d)
		case "params":
			s.start.Params = Raw(value)
		case "hold":
			s.start.Hold = true
		case "max_instances":
			s.start.MaxInstances, _ = strconv.Atoi(value)
		default:
			return fmt.Errorf("nobody knows %q", w)
		}
	}
	return nil
}

func declareDAG(p *Plan, words []string) error {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		var err error
		switch {
		case name == "timeout":
			p.Timeout, err = duration(value)
		case name == "deadline":
			p.Deadline, err = duration(value)
		case name == "verdict" && (value == "leaves" || value == "strict"):
			p.Verdict = Verdict{Rule: value}
		case name == "verdict":
			p.Verdict = Verdict{Expr: expression(value)}
		case strings.HasPrefix(name, "env."):
			p.Env = append(p.Env, Var{Name: name[4:], Value: unquote(value)})
		default:
			return fmt.Errorf("nobody knows %q", w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func declareCallback(p *Plan, word string, words []string) error {
	t, err := newTask(words)
	if err != nil {
		return err
	}
	switch owner, _, ofTask := strings.Cut(word, "."); {
	case ofTask:
		i := slices.IndexFunc(p.Tasks, func(t Task) bool { return t.ID == owner })
		p.Tasks[i].OnFailure = append(p.Tasks[i].OnFailure, t)
	case word == "on_success":
		p.OnSuccess = append(p.OnSuccess, t)
	case word == "on_failure":
		p.OnFailure = append(p.OnFailure, t)
	case word == "on_late":
		p.OnLate = append(p.OnLate, t)
	default:
		return fmt.Errorf("nobody knows %q", word)
	}
	return nil
}

func newTask(words []string) (Task, error) {
	t := Task{ID: words[0], Uses: "noop", Trigger: Trigger{Rule: "all_success"}, Pool: "default", PoolSlots: 1}
	for _, w := range words[1:] {
		if body, ok := strings.CutPrefix(w, "sensor{"); ok {
			if err := declareSensor(&t, strings.TrimSuffix(body, "}")); err != nil {
				return t, err
			}
			continue
		}
		name, value, _ := strings.Cut(w, "=")
		known, err := declareWhen(&t, name, value)
		if !known && err == nil {
			known, err = declareRetries(&t, name, value)
		}
		if !known && err == nil {
			err = fmt.Errorf("nobody knows %q", w)
		}
		if err != nil {
			return t, err
		}
	}
	t.Reads = reads(&t)
	return t, nil
}

// declareWhen reads what says when a task runs, and how often.
func declareWhen(t *Task, name, value string) (known bool, err error) {
	switch {
	case name == "needs":
		t.Needs = strings.Split(value, ",")
	case name == "refs":
		t.Refs = strings.Split(value, ",")
	case name == "trigger" && slices.Contains(TriggerRules(), value):
		t.Trigger = Trigger{Rule: value}
	case name == "trigger":
		t.Trigger = Trigger{Expr: expression(value)}
	case name == "when":
		t.When = expression(value)
	case name == "for_each" && strings.HasPrefix(value, "["):
		t.ForEach = &ForEach{List: Raw(value)}
	case name == "for_each":
		t.ForEach = &ForEach{Expr: expression(value)}
	case name == "max_parallel":
		t.MaxParallel, err = strconv.Atoi(value)
	case name == "depends_on_past":
		t.DependsOnPast = true
	case name == "with":
		t.With = Raw(value)
	case name == "artifacts":
		for _, a := range strings.Split(value, ",") {
			t.Artifacts = append(t.Artifacts, Var{Name: a, Value: "out/" + a})
		}
	case strings.HasPrefix(name, "env."):
		t.Env = append(t.Env, Var{Name: name[4:], Value: unquote(value), Level: 2})
	default:
		return false, nil
	}
	return true, err
}

func declareRetries(t *Task, name, value string) (known bool, err error) {
	switch name {
	case "retries":
		t.Retries, err = strconv.Atoi(value)
	case "timeout":
		t.Timeout, err = duration(value)
	case "retry_delay":
		t.RetryDelay, err = duration(value)
	case "max_retry_delay":
		t.MaxRetryDelay, err = duration(value)
	case "retry_backoff":
		t.RetryBackoff, err = strconv.ParseFloat(value, 64)
	case "retry_jitter":
		t.RetryJitter, err = strconv.ParseFloat(value, 64)
	case "retry_if":
		t.RetryIf = expression(value)
	default:
		return false, nil
	}
	return true, err
}

func declareSensor(t *Task, body string) (err error) {
	t.Sensor = &Sensor{PokeInterval: Duration(time.Minute), OnError: "retry"}
	for _, w := range strings.Fields(body) {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "interval":
			t.Sensor.PokeInterval, err = duration(value)
		case "timeout":
			t.Sensor.Timeout, err = duration(value)
		case "soft_fail":
			t.Sensor.SoftFail = true
		default:
			err = fmt.Errorf("nobody knows %q", w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var taskName = regexp.MustCompile(`tasks\.([A-Za-z_][A-Za-z0-9_]*)`)

// reads finds the tasks that a task's expressions name, as the compiler does.
func reads(t *Task) []string {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // a value of the script that is no JSON
	}
	var ids []string
	for _, m := range taskName.FindAllStringSubmatch(string(b), -1) {
		if !slices.Contains(ids, m[1]) {
			ids = append(ids, m[1])
		}
	}
	return ids
}

func expression(value string) *Expr { return &Expr{Src: unquote(value)} }

func unquote(s string) string {
	if q, err := strconv.Unquote(s); err == nil {
		return q
	}
	return s
}

func duration(s string) (Duration, error) {
	d, err := time.ParseDuration(s)
	return Duration(d), err
}
