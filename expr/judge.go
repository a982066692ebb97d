package expr

import (
	"math"
	"strconv"
)

// Judge decides a trigger as early as logic allows, and says which part of it decided.
//
// Strong Kleene logic: a state that is not finished is unknown; `&&` is false as soon as one side
// is, `||` true as soon as one side is; a count is an interval. Each operator is judged alone,
// nothing cleverer: `success(a) || !success(a)` is unknown until a has finished. What is once True
// or False stays so, whatever the open states become.
func Judge(src string, f Facts) (Judgement, error) { return (*Cache)(nil).Judge(src, f) }

// Judge is the package's Judge with triggers kept.
func (c *Cache) Judge(src string, f Facts) (Judgement, error) {
	key := cacheKey{'j', src}
	root, ok := c.get(key)
	if !ok {
		t, err := readTrigger(src)
		if err != nil {
			return Judgement{}, err
		}
		c.put(key, t)
		root = t
	}
	j := judge{facts: f}
	v := j.truth(root.(*term))
	if j.err != nil {
		return Judgement{}, j.err
	}
	if v.truth == Unknown {
		return Judgement{}, nil
	}
	return Judgement{Truth: v.truth, Because: v.because.src}, nil
}

// A judge is one walk over a trigger.
type judge struct {
	facts Facts
	err   error   // the first; the answer does not count then
	it    *person // in a predicate: the member that is looked at
}

// A person is one member of a population; its state is "" while unknown.
type person struct {
	id    string
	index int
	state string
}

// A verdict is a truth and the part that decided it.
type verdict struct {
	truth   Truth
	because *term
}

func (j *judge) fail(t *term, msg string) {
	if j.err == nil {
		j.err = &Error{Msg: msg, Offset: t.at}
	}
}

func (j *judge) truth(t *term) verdict {
	v := verdict{because: t}
	switch t.op {
	case "bool":
		v.truth = decide(t.num == 1, t.num == 0)
	case "not":
		inner := j.truth(t.args[0])
		v.truth = inner.truth.not()
		if inner.because != t.args[0] {
			v.because = inner.because
		}
	case "and":
		return j.both(t, False)
	case "or":
		return j.both(t, True)
	case "if":
		cond := j.truth(t.args[0])
		switch cond.truth {
		case True:
			return j.truth(t.args[1])
		case False:
			return j.truth(t.args[2])
		}
	case "equal":
		v.truth = j.equal(t)
	case "compare":
		v.truth = j.count(t.args[0]).compare(t.name, j.count(t.args[1]))
	case "in":
		v.truth = j.in(t)
	case "all", "any", "none":
		v.truth = j.quantified(t)
	default:
		v.truth = j.stateIs(t)
	}
	return v
}

// both judges && (decisive is False) and || (decisive is True): one decisive side decides alone.
func (j *judge) both(t *term, decisive Truth) verdict {
	left := j.truth(t.args[0])
	if left.truth == decisive {
		return left
	}
	right := j.truth(t.args[1])
	switch {
	case right.truth == decisive:
		return right
	case left.truth == Unknown || right.truth == Unknown:
		return verdict{Unknown, t}
	}
	return verdict{decisive.not(), t}
}

// stateIs judges success(X) and its like.
func (j *judge) stateIs(t *term) Truth {
	state := j.stateOf(t)
	switch {
	case state == "":
		return Unknown
	case t.op == "is done":
		return True
	}
	return decide("is "+state == t.op, "is "+state != t.op)
}

func (j *judge) stateOf(t *term) string {
	state, ok := j.facts.State(t.name)
	if !ok {
		j.fail(t, "cannot judge the trigger: task "+strconv.Quote(t.name)+" is not upstream")
	}
	return state
}

// text gives a state, an id or a literal; "" is unknown.
func (j *judge) text(t *term) string {
	switch t.op {
	case "word":
		return t.name
	case "state":
		return j.stateOf(t)
	case "its state":
		return j.it.state
	}
	return j.it.id
}

func (j *judge) equal(t *term) Truth {
	a, b := t.args[0], t.args[1]
	var same Truth
	switch a.kind {
	case truths:
		x, y := j.truth(a).truth, j.truth(b).truth
		same = decide(x != Unknown && x == y, x != Unknown && x == y.not())
	case counts:
		same = j.count(a).compare("==", j.count(b))
	default:
		x, y := j.text(a), j.text(b)
		same = decide(x == y && x != "", x != y && x != "" && y != "")
	}
	if t.name == "!=" {
		return same.not()
	}
	return same
}

func (j *judge) in(t *term) Truth {
	x := j.text(t.args[0])
	out := False
	for _, w := range t.args[1].list {
		switch x {
		case "":
			out = Unknown
		case w:
			return True
		}
	}
	return out
}

func (j *judge) count(t *term) interval {
	switch t.op {
	case "number":
		return point(t.num)
	case "neg":
		return j.count(t.args[0]).neg()
	case "its index":
		return point(float64(j.it.index))
	case "len":
		p := j.population(t.args[0])
		if p.Unsized {
			return interval{0, math.Inf(1)}
		}
		return point(float64(p.size()))
	case "count":
		tally := j.tally(t)
		return interval{tally.yes, tally.yes + tally.open}
	}
	a, b := j.count(t.args[0]), j.count(t.args[1])
	switch t.name {
	case "+":
		return a.add(b)
	case "-":
		return a.add(b.neg())
	case "/":
		return a.div(b.lo)
	}
	return a.mul(b)
}

func (p Population) size() int {
	n := p.Open
	for _, c := range p.Counts {
		n += c
	}
	return n
}

func (j *judge) population(t *term) Population {
	if t.op == "upstream" {
		return j.facts.Upstream()
	}
	p, ok := j.facts.Instances(t.name)
	if !ok {
		j.fail(t, "cannot judge the trigger: task "+strconv.Quote(t.name)+" is not upstream or has no instances")
	}
	return p
}

// A tally is how a predicate fared over a population.
type tally struct{ yes, no, open float64 }

func (a *tally) note(v Truth, n int) {
	switch v {
	case True:
		a.yes += float64(n)
	case False:
		a.no += float64(n)
	default:
		a.open += float64(n)
	}
}

// tally asks a predicate once for each state that occurs; only one that asks for id or index is
// asked of each member.
func (j *judge) tally(t *term) tally {
	p := j.population(t.args[0])
	if p.Unsized {
		return tally{open: math.Inf(1)}
	}
	var out tally
	ask := func(who person, n int) {
		j.it = &who
		out.note(j.truth(t.args[1]).truth, n)
		j.it = nil
	}
	if t.each {
		if p.Each == nil {
			j.fail(t, "cannot judge the trigger: the members of "+t.args[0].src+" are not known")
			return out
		}
		p.Each(func(id string, index int, state string) bool {
			ask(person{id, index, state}, 1)
			return j.err == nil
		})
		return out
	}
	for _, state := range finished {
		if n := p.Counts[state]; n > 0 {
			ask(person{state: state}, n)
		}
	}
	if p.Open > 0 {
		ask(person{}, p.Open)
	}
	return out
}

// quantified judges all, any and none.
func (j *judge) quantified(t *term) Truth {
	a := j.tally(t)
	switch t.op {
	case "all":
		return decide(a.no == 0 && a.open == 0, a.no > 0)
	case "any":
		return decide(a.yes > 0, a.yes == 0 && a.open == 0)
	}
	return decide(a.yes == 0 && a.open == 0, a.yes > 0)
}
