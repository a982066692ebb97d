package spec

import "weft/machine"

// outcomes is a set of the states in which a task may finish.
type outcomes uint8

const (
	maySucceed outcomes = 1 << iota
	maySkip
	mayFail
	mayMiss // upstream_failed

	mayRun   = maySucceed | maySkip | mayFail // exit 99 skips
	mayEvery = mayRun | mayMiss
)

// states are the outcomes one by one, the likeliest first.
var states = []struct {
	of   outcomes
	name machine.State
}{
	{maySucceed, machine.Success}, {maySkip, machine.Skipped}, {mayFail, machine.Failed}, {mayMiss, machine.UpstreamFailed},
}

// upstreamOutcomes are those of the direct upstream tasks of one task. Each is taken for free of the
// others, so what is said of them together is what may be, not what will: never too little.
type upstreamOutcomes []outcomes

// all tells whether every upstream task may finish in one of some states.
func (u upstreamOutcomes) all(in outcomes) bool {
	for _, o := range u {
		if o&in == 0 {
			return false
		}
	}
	return true
}

// some tells whether at least one may.
func (u upstreamOutcomes) some(in outcomes) bool {
	for _, o := range u {
		if o&in != 0 {
			return true
		}
	}
	return false
}

// possible is the table of section 5 of the language, asked before a run: whether a rule can say
// run, upstream_failed or skipped at all. The machine decides by states that have come; a test holds
// this table to a plain reading of that one.
var possible = map[string]struct {
	run, miss, skip func(u upstreamOutcomes) bool
}{
	"all_success": {
		run:  func(u upstreamOutcomes) bool { return u.all(maySucceed) },
		miss: failure,
		skip: func(u upstreamOutcomes) bool { return u.all(maySucceed|maySkip) && u.some(maySkip) },
	},
	"all_failed": {
		run:  func(u upstreamOutcomes) bool { return u.all(mayFail | mayMiss) },
		miss: nowise,
		skip: func(u upstreamOutcomes) bool { return u.some(maySucceed | maySkip) },
	},
	"all_done": {run: ever, miss: nowise, skip: nowise},
	"all_skipped": {
		run:  func(u upstreamOutcomes) bool { return u.all(maySkip) },
		miss: nowise,
		skip: func(u upstreamOutcomes) bool { return u.some(mayEvery &^ maySkip) },
	},
	"one_success": {
		run:  func(u upstreamOutcomes) bool { return u.some(maySucceed) },
		miss: func(u upstreamOutcomes) bool { return u.all(mayEvery&^maySucceed) && u.some(mayFail|mayMiss) },
		skip: func(u upstreamOutcomes) bool { return u.all(maySkip) },
	},
	"one_failed": {
		run:  failure,
		miss: nowise,
		skip: func(u upstreamOutcomes) bool { return u.all(maySucceed | maySkip) },
	},
	"one_done": {
		run:  func(u upstreamOutcomes) bool { return u.some(maySucceed | mayFail) },
		miss: nowise,
		skip: func(u upstreamOutcomes) bool { return u.all(maySkip | mayMiss) },
	},
	"none_failed": {
		run:  func(u upstreamOutcomes) bool { return u.all(maySucceed | maySkip) },
		miss: failure,
		skip: nowise,
	},
	"none_failed_min_one_success": {
		run:  func(u upstreamOutcomes) bool { return u.all(maySucceed|maySkip) && u.some(maySucceed) },
		miss: failure,
		skip: func(u upstreamOutcomes) bool { return u.all(maySkip) },
	},
	"none_skipped": {
		run:  func(u upstreamOutcomes) bool { return u.all(mayEvery &^ maySkip) },
		miss: nowise,
		skip: func(u upstreamOutcomes) bool { return u.some(maySkip) },
	},
	"always": {run: ever, miss: nowise, skip: nowise},
	"all_done_min_one_success": {
		run:  func(u upstreamOutcomes) bool { return u.all(mayEvery&^maySkip) && u.some(maySucceed) },
		miss: func(u upstreamOutcomes) bool { return u.all(mayFail | mayMiss) },
		skip: func(u upstreamOutcomes) bool { return u.some(maySkip) },
	},
}

func ever(upstreamOutcomes) bool   { return true }
func nowise(upstreamOutcomes) bool { return false }

func failure(u upstreamOutcomes) bool { return u.some(mayFail | mayMiss) }

// triggered is what a trigger can make of a task: whether it can ever say run, and what else.
type triggered struct {
	run    bool
	unless outcomes // mayMiss, maySkip
}

// byRule asks a named rule. Without upstream tasks all say run.
func byRule(rule string, u upstreamOutcomes) triggered {
	row, known := possible[rule]
	if len(u) == 0 || !known {
		return triggered{run: true}
	}
	t := triggered{run: row.run(u)}
	if row.miss(u) {
		t.unless |= mayMiss
	}
	if row.skip(u) {
		t.unless |= maySkip
	}
	return t
}
