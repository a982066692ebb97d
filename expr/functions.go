package expr

import (
	"maps"
	"slices"
)

// A function is one that expressions may call: how it is called, for the check, and what it does.
type function struct {
	usage    string
	min, max int      // number of arguments
	rest     bool     // the last kind stands for any number of further arguments
	args     []kinds  // what each argument may be
	gives    typeFunc // nil = anything
	run      func(s *state, args []any) (any, error)
	// A predicate function walks a list with an expression; expr-lang's VM carries it out, run is
	// only for the form without predicate.
	predicate bool
	truth     bool // the predicate must be a boolean
}

type typeFunc func(args []Type) Type

// kinds is a set of kinds; anything and null are let in by the check, not by the run.
type kinds uint16

func set(ks ...Kind) kinds {
	var m kinds
	for _, k := range ks {
		m |= 1 << k
	}
	return m
}

func (m kinds) has(k Kind) bool { return m&(1<<k) != 0 }

var (
	texts     = set(KindString)
	lists     = set(KindArray)
	anyKind   = ^kinds(0)
	times     = set(KindTime)
	sizeable  = set(KindString, KindArray, KindObject)
	inTexts   = set(KindString, KindInt, KindNumber, KindBool, KindNull, KindTime, KindDuration)
	datable   = set(KindString, KindTime)
	spannable = set(KindString, KindDuration)
	orderable = set(KindInt, KindNumber, KindString, KindTime, KindDuration)
	minnable  = orderable | lists
)

func always(t Type) typeFunc { return func([]Type) Type { return t } }

func givesElem(args []Type) Type { return args[0].elem() }

func givesFirst(args []Type) Type { return args[0] }

// functions are all that the language has (section 4), and nothing else.
var functions = functionTable()

func functionTable() map[string]*function {
	text, list := always(Of(KindString)), always(ListOf(Of(KindString)))
	truth := always(Of(KindBool))
	return map[string]*function{
		"len":        {usage: "len(x)", min: 1, max: 1, args: []kinds{sizeable}, gives: always(Of(KindInt)), run: runLen},
		"upper":      {usage: "upper(text)", min: 1, max: 1, args: []kinds{texts}, gives: text, run: runUpper},
		"lower":      {usage: "lower(text)", min: 1, max: 1, args: []kinds{texts}, gives: text, run: runLower},
		"trim":       {usage: `trim(text) or trim(text, "characters")`, min: 1, max: 2, args: []kinds{texts, texts}, gives: text, run: runTrim},
		"split":      {usage: `split(text, ",")`, min: 2, max: 2, args: []kinds{texts, texts}, gives: list, run: runSplit},
		"join":       {usage: `join(list, ",")`, min: 1, max: 2, args: []kinds{lists, texts}, gives: text, run: runJoin},
		"replace":    {usage: `replace(text, "old", "new")`, min: 3, max: 3, args: []kinds{texts, texts, texts}, gives: text, run: runReplace},
		"contains":   {usage: `contains(text, "part") or contains(list, x)`, min: 2, max: 2, args: []kinds{texts | lists, anyKind}, gives: truth, run: runContains},
		"startsWith": {usage: `startsWith(text, "part")`, min: 2, max: 2, args: []kinds{texts, texts}, gives: truth, run: runStartsWith},
		"endsWith":   {usage: `endsWith(text, "part")`, min: 2, max: 2, args: []kinds{texts, texts}, gives: truth, run: runEndsWith},
		"matches":    {usage: `matches(text, "regular expression")`, min: 2, max: 2, args: []kinds{texts, texts}, gives: truth, run: runMatches},
		"toJSON":     {usage: "toJSON(x)", min: 1, max: 1, args: []kinds{anyKind}, gives: text, run: runToJSON},
		"fromJSON":   {usage: "fromJSON(text)", min: 1, max: 1, args: []kinds{texts}, run: runFromJSON},
		"default":    {usage: "default(x, instead)", min: 2, max: 2, args: []kinds{anyKind, anyKind}, gives: givesDefault},
		"strftime":   {usage: `strftime(time, "%Y-%m-%d")`, min: 2, max: 2, args: []kinds{times, texts}, gives: text, run: runStrftime},
		"duration":   {usage: `duration("1h30m")`, min: 1, max: 1, args: []kinds{spannable}, gives: always(Of(KindDuration)), run: runDuration},
		"date":       {usage: `date("2026-01-31")`, min: 1, max: 1, args: []kinds{datable}, gives: always(Of(KindTime)), run: runDate},
		"min":        {usage: "min(list) or min(a, b, …)", min: 1, max: 100, rest: true, args: []kinds{minnable}, gives: givesExtreme, run: runMin},
		"max":        {usage: "max(list) or max(a, b, …)", min: 1, max: 100, rest: true, args: []kinds{minnable}, gives: givesExtreme, run: runMax},
		"first":      {usage: "first(list)", min: 1, max: 1, args: []kinds{lists}, gives: givesElem, run: runFirst},
		"last":       {usage: "last(list)", min: 1, max: 1, args: []kinds{lists}, gives: givesElem, run: runLast},
		"sort":       {usage: `sort(list) or sort(list, "desc")`, min: 1, max: 2, args: []kinds{lists, texts}, gives: givesFirst, run: runSort},
		"unique":     {usage: "unique(list)", min: 1, max: 1, args: []kinds{lists}, gives: givesFirst, run: runUnique},

		"all":    {usage: `all(list, .x == 1)`, min: 2, max: 2, args: []kinds{lists}, gives: truth, predicate: true, truth: true},
		"any":    {usage: `any(list, .x == 1)`, min: 2, max: 2, args: []kinds{lists}, gives: truth, predicate: true, truth: true},
		"none":   {usage: `none(list, .x == 1)`, min: 2, max: 2, args: []kinds{lists}, gives: truth, predicate: true, truth: true},
		"one":    {usage: `one(list, .x == 1)`, min: 2, max: 2, args: []kinds{lists}, gives: truth, predicate: true, truth: true},
		"filter": {usage: `filter(list, .x == 1)`, min: 2, max: 2, args: []kinds{lists}, gives: givesFirst, predicate: true, truth: true},
		"map":    {usage: `map(list, .x)`, min: 2, max: 2, args: []kinds{lists}, gives: givesMapped, predicate: true},
		"count":  {usage: `count(list, .x == 1)`, min: 1, max: 2, args: []kinds{lists}, gives: always(Of(KindInt)), predicate: true, truth: true},
		"sum":    {usage: `sum(list) or sum(list, .x)`, min: 1, max: 2, args: []kinds{lists}, gives: givesSum, predicate: true, run: runSum},
	}
}

func functionNames() []string { return slices.Sorted(maps.Keys(functions)) }

func givesDefault(args []Type) Type { return join(args[0], args[1]) }

func givesMapped(args []Type) Type { return ListOf(args[1]) }

func givesExtreme(args []Type) Type {
	if len(args) == 1 && args[0].Kind == KindArray {
		return args[0].elem()
	}
	t := args[0]
	for _, other := range args[1:] {
		t = join(t, other)
	}
	return t
}

func givesSum(args []Type) Type {
	t := args[0].elem()
	if len(args) == 2 {
		t = args[1]
	}
	if t.isNumber() || t.Kind == KindDuration {
		return t
	}
	return Type{}
}

const noClock = "an expression has no clock; run.started_at is the run's start, run.ds its day"

// foreignFunctions are other languages', and what to write instead.
var foreignFunctions = map[string]string{
	"format":    "put values into text as in: a-${{ x }}",
	"success":   "success(X) belongs into a trigger; here compare tasks.X.state",
	"failure":   "what runs after a failure has `trigger: one_failed`; on_failure is a callback",
	"always":    "what runs whatever became of its upstream tasks has `trigger: all_done`",
	"cancelled": "compare run.state in a callback",
	"str":       "put values into text as in: a-${{ x }}", "string": "put values into text as in: a-${{ x }}",
	"int":    "values keep their type; fromJSON(text) makes a number of a text",
	"float":  "values keep their type; fromJSON(text) makes a number of a text",
	"number": "values keep their type; fromJSON(text) makes a number of a text",
	"bool":   "values keep their type; compare a text: x == \"true\"",
	"now":    noClock, "today": noClock, "utcnow": noClock, "time": noClock,
	"timedelta": "the function is duration: duration(\"1d\")", "days": "write duration(\"1d\")",
	"datetime": "the function is date: date(\"2026-01-31\")", "strptime": "the function is date: date(\"2026-01-31\")",
	"range":  "a list of integers is written 1..3, both ends in it",
	"concat": "join texts with +, or write a-${{ x }}",
	"tojson": "the function is toJSON",
	"size":   "the function is len", "length": "the function is len",
	"coalesce": "the function is default(x, instead)",
	"keys":     "a map has no order here; read its members by name", "values": "a map has no order here; read its members by name",
	"find": "write first(filter(list, …))", "findLast": "write last(filter(list, …))",
	"sortBy": "sort(list) sorts whole values", "groupBy": "group in a task", "reduce": "reduce in a task",
	"findIndex": "search in a task", "findLastIndex": "search in a task",
}
