package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// PlanFormat is the number of the plan's serialised form. A reader refuses what it does not know.
const PlanFormat = 1

// A Plan is a compiled DAG: validated, immutable, serialisable, named by its hash.
//
// It is kept whole beside the runs that follow it, so that a replay never compiles YAML again.
// Expressions and templates stand in it as source. Nothing in it may be changed after Seal.
type Plan struct {
	Format         int      `json:"format"`
	DAG            string   `json:"dag"`
	File           string   `json:"file,omitempty"` // as it was given, for messages
	Description    string   `json:"description,omitempty"`
	Owner          string   `json:"owner,omitempty"`
	Tags           []string `json:"tags,omitempty"`
	Paused         bool     `json:"paused,omitempty"`
	Schedule       Raw      `json:"schedule,omitempty"` // as written; the scheduler reads it
	Timezone       string   `json:"timezone,omitempty"` // of the schedule; "" = UTC
	Params         []Param  `json:"params,omitempty"`   // file order
	Env            []Var    `json:"env,omitempty"`
	EnvPolicy      string   `json:"env_policy,omitempty"` // "" or "clean"
	MaxActiveRuns  int      `json:"max_active_runs"`
	MaxActiveTasks int      `json:"max_active_tasks"`
	Timeout        Duration `json:"timeout,omitempty"`  // of a run; 0 = none
	Deadline       Duration `json:"deadline,omitempty"` // after data_interval_end; 0 = none
	Handoff        string   `json:"handoff,omitempty"`  // URI; "" = the configuration's
	Verdict        Verdict  `json:"verdict"`
	Tasks          []Task   `json:"tasks"` // file order
	OnSuccess      []Task   `json:"on_success,omitempty"`
	OnFailure      []Task   `json:"on_failure,omitempty"`
	OnLate         []Task   `json:"on_late,omitempty"`

	index map[string]int // task id → position in Tasks
	down  [][]int        // position → positions of its direct downstream tasks, ascending
	up    [][]int        // position → positions of its direct upstream tasks, ascending
}

// A Task is one node of a Plan, or a callback (ids of callbacks: see CallbackID).
type Task struct {
	ID            string   `json:"id"`
	Description   string   `json:"description,omitempty"`
	Group         string   `json:"group,omitempty"`
	Pos           Pos      `json:"pos"`            // of the id in the file
	Uses          string   `json:"uses"`           // plugin; "shell" for run
	With          Raw      `json:"with,omitempty"` // the plugin's input; its strings may be templates
	Asks          []Ask    `json:"asks,omitempty"` // of the output, by inputs that are expressions; none of them in With
	Places        []Place  `json:"places,omitempty"`
	Needs         []string `json:"needs,omitempty"` // declared upstream, file order, no twins
	Refs          []string `json:"refs,omitempty"`  // upstream by reference alone, no twins, none of Needs
	Reads         []string `json:"reads,omitempty"` // every task whose state or output the task's expressions name
	Trigger       Trigger  `json:"trigger"`
	When          *Expr    `json:"when,omitempty"`
	ForEach       *ForEach `json:"for_each,omitempty"`
	MaxParallel   int      `json:"max_parallel,omitempty"` // 0 = no bound
	Sensor        *Sensor  `json:"sensor,omitempty"`
	Retries       int      `json:"retries,omitempty"`
	RetryDelay    Duration `json:"retry_delay,omitempty"`
	RetryBackoff  float64  `json:"retry_backoff,omitempty"`
	MaxRetryDelay Duration `json:"max_retry_delay,omitempty"`
	RetryJitter   float64  `json:"retry_jitter,omitempty"`
	RetryIf       *Expr    `json:"retry_if,omitempty"`
	Timeout       Duration `json:"timeout,omitempty"` // of one attempt, of a sensor: of one poke; 0 = none
	Env           []Var    `json:"env,omitempty"`     // defaults.env first, then the task's
	ScriptEnv     []Var    `json:"script_env,omitempty"`
	Workdir       string   `json:"workdir,omitempty"` // template; "" = the folder of the DAG file
	Outputs       []Output `json:"outputs,omitempty"`
	Artifacts     []Var    `json:"artifacts,omitempty"` // name → path under WEFT_TMPDIR, kept after success; templates
	Inputs        []Var    `json:"inputs,omitempty"`    // path under WEFT_TMPDIR → what is there before the start; templates
	Pool          string   `json:"pool"`
	PoolSlots     int      `json:"pool_slots"`
	Priority      int      `json:"priority,omitempty"`
	Queue         string   `json:"queue,omitempty"`
	DependsOnPast bool     `json:"depends_on_past,omitempty"`
	OnFailure     []Task   `json:"on_failure,omitempty"` // callbacks, without needs, trigger, for_each
}

// A Trigger is one of the named rules, or an expression (then Rule is "").
type Trigger struct {
	Rule string `json:"rule,omitempty"`
	Expr *Expr  `json:"expr,omitempty"`
}

// A Verdict is "leaves", "strict", or an expression (then Rule is "").
type Verdict struct {
	Rule string `json:"rule,omitempty"`
	Expr *Expr  `json:"expr,omitempty"`
}

// A ForEach holds either a literal list, whose strings may be templates, or an expression that
// gives a list or a map.
type ForEach struct {
	List Raw   `json:"list,omitempty"` // a JSON array
	Expr *Expr `json:"expr,omitempty"`
}

// A Sensor says how a task is asked again until it holds (docs: section 8 of the language).
type Sensor struct {
	Until              *Expr    `json:"until,omitempty"` // nil = true
	FailWhen           *Expr    `json:"fail_when,omitempty"`
	PokeInterval       Duration `json:"poke_interval"`     // from the end of one poke to the start of the next
	Timeout            Duration `json:"timeout,omitempty"` // from the first poke; 0 = never
	SoftFail           bool     `json:"soft_fail,omitempty"`
	OnError            string   `json:"on_error"` // retry, wait, skip
	ExponentialBackoff bool     `json:"exponential_backoff,omitempty"`
	MaxWait            Duration `json:"max_wait,omitempty"` // cap of the backoff; 0 = none
}

// An Expr is the source of a bare expression and where it stands in the DAG's file.
type Expr struct {
	Src string `json:"src"`
	Pos Pos    `json:"pos"`
}

// An Ask is an input of a plugin that is a condition on its output (`expect.when` of http). The attempt
// fails unless it is true.
type Ask struct {
	Path string `json:"path"` // within the input: "expect.when"
	Expr Expr   `json:"expr"`
}

// A Var is a name and a template: an environment variable.
type Var struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Pos   Pos    `json:"pos"`
	Level int    `json:"level,omitempty"` // 0 the DAG, 1 defaults, 2 the task: a value sees the outer ones
	AWS   bool   `json:"aws,omitempty"`   // of `aws`, not of `env`
}

// A Param is one typed input of a run.
type Param struct {
	Name    string `json:"name"`
	Schema  Raw    `json:"schema"`            // JSON Schema fragment, without the default
	Default Raw    `json:"default,omitempty"` // nil = required
}

// An Output is one declared member of a task's output.
type Output struct {
	Name   string `json:"name"`
	Schema Raw    `json:"schema"`
}

// A Pos is a place in the DAG's file; both count from 1, columns in code points. 0:0 = unknown.
type Pos struct {
	Line int `json:"l,omitempty"`
	Col  int `json:"c,omitempty"`
}

// A Place says where the value at a path of a task ("with.uri", "for_each.0", "env.X") stands in
// the file; kept for values that hold an expression, so that a failure at run time has a place.
type Place struct {
	Path string `json:"path"`
	Pos  Pos    `json:"pos"`
}

// Raw is JSON kept as it is.
type Raw = json.RawMessage

// A Duration marshals as text, "1h30m0s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// CallbackID names a callback: of the DAG ("on_failure.mail"; task is "") or of a task
// ("load.on_failure.mail"). The ids of tasks hold no dot, so the two never meet.
func CallbackID(task, hook, id string) string {
	if task == "" {
		return hook + "." + id
	}
	return task + "." + hook + "." + id
}

// Encode returns the plan's serialised form and its hash, the first 32 hex digits of its SHA-256.
func (p *Plan) Encode() (body []byte, hash string) {
	body, err := json.Marshal(p)
	if err != nil {
		panic("machine: a plan does not marshal: " + err.Error()) // only Raw values that are no JSON
	}
	sum := sha256.Sum256(body)
	return body, hex.EncodeToString(sum[:16])
}

// DecodePlan reads what Encode wrote and seals it. It refuses formats from the future.
func DecodePlan(body []byte) (*Plan, error) {
	var p Plan
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("cannot read plan: %w", err)
	}
	if p.Format < 1 || p.Format > PlanFormat {
		return nil, fmt.Errorf("cannot read plan: format %d, this weft knows up to %d", p.Format, PlanFormat)
	}
	if err := p.Seal(); err != nil {
		return nil, err
	}
	return &p, nil
}

// Reread returns the plan as DecodePlan reads what Encode writes of it: one of its own, that shares nothing. It goes
// task by task, so that a large one is never there as a whole a third time.
func (p *Plan) Reread() (*Plan, error) {
	head := *p
	head.Tasks = nil
	out := new(Plan)
	if err := reread(&head, out); err != nil {
		return nil, err
	}
	out.Tasks = make([]Task, len(p.Tasks))
	for i := range p.Tasks {
		if err := reread(&p.Tasks[i], &out.Tasks[i]); err != nil {
			return nil, err
		}
	}
	return out, out.Seal()
}

func reread(from, to any) error {
	body, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, to)
}

// Seal builds the plan's look-ups and checks what the machine relies on: unique ids, upstream
// tasks that exist, no cycle. The validator says all this better; Seal guards the machine.
func (p *Plan) Seal() error {
	p.index = make(map[string]int, len(p.Tasks))
	for i := range p.Tasks {
		if _, twice := p.index[p.Tasks[i].ID]; twice {
			return fmt.Errorf("cannot use plan of %q: task %q stands in it twice", p.DAG, p.Tasks[i].ID)
		}
		p.index[p.Tasks[i].ID] = i
	}
	p.up, p.down = make([][]int, len(p.Tasks)), make([][]int, len(p.Tasks))
	wanted := make([]int, len(p.Tasks)) // by how many tasks
	for i := range p.Tasks {
		t := &p.Tasks[i]
		seen := make(map[int]bool, len(t.Needs)+len(t.Refs))
		for _, list := range [][]string{t.Needs, t.Refs} {
			for k, id := range list {
				j, ok := p.index[id]
				if !ok {
					return fmt.Errorf("cannot use plan of %q: task %q needs %q, which does not exist", p.DAG, t.ID, id)
				}
				list[k] = p.Tasks[j].ID // one text for all who name it
				if seen[j] {
					continue
				}
				seen[j] = true
				if p.up[i] == nil {
					p.up[i] = make([]int, 0, len(t.Needs)+len(t.Refs))
				}
				p.up[i] = append(p.up[i], j)
				wanted[j]++
			}
		}
		slices.Sort(p.up[i])
	}
	for i := range p.Tasks {
		for _, j := range p.up[i] {
			if p.down[j] == nil {
				p.down[j] = make([]int, 0, wanted[j])
			}
			p.down[j] = append(p.down[j], i)
		}
	}
	return p.checkAcyclic()
}

// checkAcyclic runs Kahn's algorithm over the sealed edges.
func (p *Plan) checkAcyclic() error {
	open := make([]int, len(p.Tasks))
	var free []int
	for i := range p.Tasks {
		if open[i] = len(p.up[i]); open[i] == 0 {
			free = append(free, i)
		}
	}
	done := 0
	for ; len(free) > 0; done++ {
		i := free[len(free)-1]
		free = free[:len(free)-1]
		for _, j := range p.down[i] {
			if open[j]--; open[j] == 0 {
				free = append(free, j)
			}
		}
	}
	if done < len(p.Tasks) {
		return fmt.Errorf("cannot use plan of %q: its tasks form a cycle", p.DAG)
	}
	return nil
}

// Task returns the task or callback of that id, nil if there is none.
func (p *Plan) Task(id string) *Task {
	if i, ok := p.index[id]; ok {
		return &p.Tasks[i]
	}
	for _, h := range p.hooks() {
		for i := range h.tasks {
			if CallbackID(h.owner, h.name, h.tasks[i].ID) == id {
				return &h.tasks[i]
			}
		}
	}
	return nil
}

// Upstream returns the ids of the direct upstream tasks of a task, in file order.
func (p *Plan) Upstream(id string) []string { return p.names(p.up, id) }

// UpstreamCount tells how many direct upstream tasks a task has.
func (p *Plan) UpstreamCount(id string) int {
	i, ok := p.index[id]
	if !ok {
		return 0
	}
	return len(p.up[i])
}

// Downstream returns the ids of the direct downstream tasks of a task, in file order.
func (p *Plan) Downstream(id string) []string { return p.names(p.down, id) }

func (p *Plan) names(edges [][]int, id string) []string {
	i, ok := p.index[id]
	if !ok {
		return nil
	}
	out := make([]string, len(edges[i]))
	for k, j := range edges[i] {
		out[k] = p.Tasks[j].ID
	}
	return out
}

// A hook is a list of callbacks and whom they belong to.
type hook struct {
	owner, name string // owner is a task's id, "" for the DAG
	tasks       []Task
}

func (p *Plan) hooks() []hook {
	hs := []hook{{"", "on_success", p.OnSuccess}, {"", "on_failure", p.OnFailure}, {"", "on_late", p.OnLate}}
	for i := range p.Tasks {
		if cb := p.Tasks[i].OnFailure; len(cb) > 0 {
			hs = append(hs, hook{p.Tasks[i].ID, "on_failure", cb})
		}
	}
	return hs
}

// Uses lists the plugins that tasks and callbacks use, sorted.
func (p *Plan) Uses() []string {
	seen := map[string]bool{}
	for _, h := range append(p.hooks(), hook{tasks: p.Tasks}) {
		for i := range h.tasks {
			seen[h.tasks[i].Uses] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Position returns a task's place in the file; callbacks come after the tasks.
func (p *Plan) Position(id string) int {
	if i, ok := p.index[id]; ok {
		return i
	}
	return len(p.Tasks)
}
