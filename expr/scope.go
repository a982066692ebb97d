package expr

import (
	"maps"
	"slices"
)

// A Scope is what an expression may name at one place of a DAG, and what it must give.
type Scope struct {
	// Roots are the names that are legal here, with their types: dag, run, params … without tasks.
	Roots map[string]Type
	// Elsewhere are names of the language that are not legal here; the text says why, or where.
	Elsewhere map[string]string
	// Tasks are the tasks that exist, by id. Nil: tasks may not be named here.
	Tasks map[string]*TaskScope
	// Want is what the expression must give; KindAny asks nothing.
	Want Kind
	// Wants, if Want is KindAny, are several that will do (for_each: a list or a map).
	Wants []Kind
	// Verdict: CheckTrigger reads the expression of `verdict`, where upstream has no meaning.
	Verdict bool
	// Compare is asked before a wrong name is compared with that many, to say which one it may have meant; nil = always.
	// A file at its limits has very many wrong names, and very many that are right.
	Compare func(names int) bool
}

// A TaskScope is what is known of a task before any run.
type TaskScope struct {
	Output    Type
	Artifacts []string // names of its artifacts; nil = not known
	Mapped    bool     // it has instances
}

// DAGType is the type of dag.
func DAGType() Type {
	return MapOf(map[string]Type{"id": Of(KindString), "file": Of(KindString), "tags": ListOf(Of(KindString))}, false)
}

// RunType is the type of run; in callbacks of a DAG it has state and failed, too.
func RunType(callback bool) Type {
	fields := map[string]Type{
		"id": Of(KindString), "type": OneOf("scheduled", "backfill", "manual"),
		"logical_date": Of(KindTime), "data_interval_start": Of(KindTime), "data_interval_end": Of(KindTime),
		"ds": Of(KindString), "ds_nodash": Of(KindString), "ts": Of(KindString), "ts_nodash": Of(KindString),
		"started_at": Of(KindTime), "epoch": Of(KindInt),
	}
	if callback {
		fields["state"], fields["failed"] = OneOf(runStates...), ListOf(Of(KindString))
	}
	return MapOf(fields, false)
}

// ErrorType is the type of error in retry_if and in a task's on_failure.
func ErrorType() Type {
	return MapOf(map[string]Type{"kind": OneOf(failureKinds...), "message": Of(KindString), "exit_code": Of(KindInt)}, false)
}

// What the states of tasks and runs may be, and what kinds of failures there are (sections 3 and 10 of the language).
var (
	taskStates   = slices.Concat(finished, unfinished)
	runStates    = []string{"queued", "running", "success", "failed", "cancelled"}
	failureKinds = []string{"bad_input", "temporary", "timeout", "cancelled", "remote", "internal"}
)

// taskType is the type of tasks.X.
func taskType(t TaskScope) Type {
	output := t.Output
	if t.Mapped {
		output = ListOf(t.Output)
	}
	one := artifactsType(t.Artifacts, artifactType)
	all := one
	if t.Mapped {
		all = artifactsType(t.Artifacts, ListOf(artifactType))
	}
	instance := MapOf(map[string]Type{
		"index": Of(KindInt), "state": stateType, "output": t.Output, "ref": refType, "artifacts": one,
	}, false)
	return MapOf(map[string]Type{
		"output": output, "state": stateType, "error": Of(KindString),
		"ref": refType, "artifacts": all, "instances": ListOf(instance),
	}, false)
}

// isTaskMember tells whether a name is a member of tasks.X.
func isTaskMember(name string) bool {
	_, ok := taskType(TaskScope{}).Fields[name]
	return ok
}

// Types that each mention of a task has; a file may have ten thousand mentions. Nobody may change them.
var (
	stateType = OneOf(taskStates...)
	refType   = MapOf(map[string]Type{"uri": Of(KindString), "size": Of(KindInt), "sha256": Of(KindString)}, false)
	// artifactType is one artifact. files is there for a folder, executable for a file.
	artifactType = MapOf(map[string]Type{
		"uri": Of(KindString), "size": Of(KindInt), "sha256": Of(KindString),
		"files": Of(KindInt), "executable": Of(KindBool),
	}, false)
)

// artifactsType is the type of a map of artifacts; names is nil where they are not known.
func artifactsType(names []string, each Type) Type {
	if names == nil {
		return Of(KindObject)
	}
	fields := make(map[string]Type, len(names))
	for _, name := range names {
		fields[name] = each
	}
	return MapOf(fields, false)
}

// names are what may begin an expression here.
func (sc *Scope) names() []string {
	names := slices.Sorted(maps.Keys(sc.Roots))
	if sc.Tasks != nil {
		names = append(names, "tasks")
	}
	return names
}

// compares tells whether a wrong name is to be compared with some others.
func (sc *Scope) compares(names int) bool { return sc.Compare == nil || sc.Compare(names) }

func (sc *Scope) taskIDs() []string { return slices.Sorted(maps.Keys(sc.Tasks)) }
