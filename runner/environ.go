package runner

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"weft/machine"
	"weft/plugins"
)

// maxArgument is what one variable or argument may hold: Linux takes 128 KiB, name and end included.
const maxArgument = 120 << 10

// clean is what a process inherits under env_policy: clean.
var clean = []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR"}

// inherited is what processes get of weft's own environment, worked out once for each policy.
type inherited struct {
	once       sync.Once
	all, clean []string
}

func (x *Executor) base(onlyClean bool) []string {
	x.inherited.once.Do(func() {
		for _, kv := range x.Environ {
			name, _, ok := strings.Cut(kv, "=")
			if !ok || name == "" || strings.HasPrefix(name, "WEFT_") {
				continue
			}
			x.inherited.all = append(x.inherited.all, kv)
			if slices.Contains(clean, name) {
				x.inherited.clean = append(x.inherited.clean, kv)
			}
		}
	})
	if onlyClean {
		return x.inherited.clean
	}
	return x.inherited.all
}

// identity is what names the attempt in its processes' environment (language, section 4).
// WEFT_INDEX is `-` for a task that is not mapped, as in the keys of the handoff; the idempotency
// key is the same for each attempt until someone clears the task.
func (a *attempt) identity() []string {
	k, index := a.o.Key, indexText(a.o.Key.Index)
	return []string{
		"WEFT_DAG_ID=" + a.o.Plan.DAG,
		"WEFT_RUN_ID=" + a.o.Run.Run,
		"WEFT_TASK_ID=" + k.Task,
		"WEFT_INDEX=" + index,
		fmt.Sprintf("WEFT_ATTEMPT=%d", k.Attempt),
		"WEFT_LOGICAL_DATE=" + machine.Timestamp(a.o.Run.LogicalDate),
		"WEFT_OUTPUT=" + a.scratch.output(),
		"WEFT_TMPDIR=" + a.scratch.dir,
		fmt.Sprintf("WEFT_IDEMPOTENCY_KEY=%s/%s/%s/%d", a.o.Run.Key(), k.Task, index, k.Epoch),
	}
}

// environ is the whole environment of a process: inherited, the DAG's and the task's `env`, what
// the script's expressions gave, weft's own. Later ones win, and each name stands in it once:
// programs do not agree on which of two counts.
func (a *attempt) environ() ([]string, error) {
	base := a.x.base(a.x.CleanEnv || a.o.Plan.EnvPolicy == "clean")
	if a.apart && len(a.o.Plan.Env)+len(a.o.Task.Env)+len(a.o.Task.ScriptEnv) == 0 {
		return slices.Clip(base), nil // nobody changes a Call's environment
	}
	env := environment{list: make([]string, len(base), len(base)+32), at: make(map[string]int, len(base)+32)}
	copy(env.list, base)
	for i, kv := range base {
		env.at[kv[:strings.IndexByte(kv, '=')]] = i
	}
	rendered, _ := a.vars["env"].(map[string]any)
	counts := whoForAWS(a.o)
	for _, list := range [][]machine.Var{a.o.Plan.Env, a.o.Task.Env} {
		for _, v := range list {
			if v.AWS && !counts(v) {
				continue
			}
			text, _ := rendered[v.Name].(string)
			if err := fits("env "+v.Name, text); err != nil {
				return nil, plugins.Errorf(plugins.BadInput, "%s%w", a.place(v.Pos), err)
			}
			if v.AWS {
				env.setForAWS(v.Name, text)
				continue
			}
			env.set(v.Name, text)
		}
	}
	for _, v := range a.o.Task.ScriptEnv {
		text, err := a.renderText(v.Value)
		if err != nil {
			return nil, plugins.Errorf(plugins.BadInput, "%scannot evaluate an expression in run: %w", a.place(v.Pos), err)
		}
		if err := fits("an expression in run", text); err != nil {
			return nil, plugins.Errorf(plugins.BadInput, "%s%w", a.place(v.Pos), err)
		}
		env.set(v.Name, text)
	}
	if !a.apart {
		for _, kv := range a.identity() {
			name, value, _ := strings.Cut(kv, "=")
			env.set(name, value)
		}
	}
	return env.list, nil
}

type environment struct {
	list []string
	at   map[string]int
}

func (e *environment) set(name, value string) {
	if i, ok := e.at[name]; ok {
		e.list[i] = name + "=" + value
		return
	}
	e.at[name] = len(e.list)
	e.list = append(e.list, name+"="+value)
}

// fits tells whether a value can enter an environment or be an argument. Nothing is cut off.
func fits(what, value string) error {
	const instead = "hand it over as a file: inputs with tasks.NAME.ref"
	if i := strings.IndexByte(value, 0); i >= 0 {
		return fmt.Errorf("cannot pass %s to a process: its value holds a NUL, byte %d (%s)", what, i+1, instead)
	}
	if len(value) > maxArgument {
		return fmt.Errorf("cannot pass %s to a process: its value has %d bytes, at most %d fit (%s)", what, len(value), maxArgument, instead)
	}
	return nil
}
