package expr

// A Truth is one of three: a trigger may be undecided yet.
type Truth int8

// The three truths of strong Kleene logic.
const (
	Unknown Truth = iota
	True
	False
)

func (t Truth) String() string { return [...]string{"unknown", "true", "false"}[t] }

// Facts is what a trigger may ask about its upstream tasks. States are finished ones by name
// ("success", "failed", "skipped", "upstream_failed"); "" stands for not finished yet.
type Facts interface {
	// State returns a task's state; ok is false if the task is not upstream.
	State(task string) (state string, ok bool)
	// Upstream returns the direct upstream tasks, each once.
	Upstream() Population
	// Instances returns the instances of a mapped upstream task.
	Instances(task string) (p Population, ok bool)
}

// A Population is a list of things that have states, summed up so that a count over 10,000 of
// them costs no walk where only states are asked for.
type Population struct {
	Counts map[string]int // finished state → how many; no zero entries needed
	Open   int            // how many have not finished
	// Unsized: how many there will be is not known yet (a mapped task before its list is known).
	// Then Counts is empty and Open is 0.
	Unsized bool
	// Each walks the members in order: id of a task, or index of an instance. It is called only
	// where an expression names them.
	Each func(yield func(id string, index int, state string) bool)
}

// A Judgement is a trigger's answer and the part of its source that decided it ("" while unknown).
type Judgement struct {
	Truth   Truth
	Because string
}
