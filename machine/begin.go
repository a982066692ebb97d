package machine

import (
	"errors"
	"fmt"
	"strings"

	"weft/expr"
)

// DefaultMaxInstances bounds for_each where the configuration does not.
const DefaultMaxInstances = 10000

// An itemList is the evaluated for_each of a node: inline, or a reference and its length.
type itemList struct {
	items []any    // inline elements
	keys  []string // of a map, sorted; nil for a list
	ref   *Ref
	size  int
}

// A blind is a task that had not finished when the trigger decided: the snapshot does not see it,
// save for the instances that had.
type blind struct {
	id   string
	seen []uint64 // bit set over instances; nil = none
}

// consider judges a trigger and lets the node go, skip or fail by it.
func (r *Run) consider(n *node) {
	if n.state != None || n.drain > 0 || r.ending != notEnding {
		return
	}
	d, because, err := r.judge(n)
	if d == wait {
		return
	}
	if n.said = d; err != nil {
		n.said = wait // the trigger says nothing
	}
	n.cause = Cause{Rule: n.def.Trigger.Rule, Because: because, At: r.now}
	if n.def.Trigger.Expr != nil {
		n.cause.Rule = n.def.Trigger.Expr.Src
	}
	switch {
	case err != nil:
		r.failNode(n, r.place(n.def.Trigger.Expr)+reword("judge the trigger", err))
	case d == failUpstream:
		r.setNode(n, UpstreamFailed, n.cause.said("can no longer hold"))
	case d == skip:
		r.setNode(n, Skipped, n.cause.said("does not hold"))
	default:
		n.blind = r.unseen(n)
		r.setNode(n, Scheduled, "")
		r.proceed(n)
	}
}

// said tells how a trigger decided, and by which part of it, unless that is all of it.
func (c Cause) said(how string) string {
	text := "trigger " + c.Rule + " " + how
	if c.Because == c.Rule {
		return text
	}
	return text + ": " + c.Because
}

func (r *Run) place(e *Expr) string {
	if e == nil {
		return ""
	}
	return r.plan.place(e.Pos)
}

// place opens a message about something in the file.
func (p *Plan) place(at Pos) string {
	if at.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d: ", p.File, at.Line, at.Col)
}

// unseen lists what the node reads and what has not finished yet.
func (r *Run) unseen(n *node) []blind {
	var out []blind
	for _, id := range n.def.Reads {
		i, ok := r.plan.index[id]
		if !ok || r.nodes[i].state.Finished() {
			continue
		}
		b := blind{id: id}
		for k := range r.nodes[i].inst {
			if r.nodes[i].inst[k].state.Finished() {
				if b.seen == nil {
					b.seen = make([]uint64, (len(r.nodes[i].inst)+63)/64)
				}
				b.seen[k/64] |= 1 << (k % 64)
			}
		}
		out = append(out, b)
	}
	return out
}

// proceed takes a scheduled node on: the question about the past, the list, the instances.
func (r *Run) proceed(n *node) {
	if n.def.DependsOnPast && r.info.RunType != "manual" && n.past != pastOK {
		if n.past == pastUnasked {
			n.past = pastAsked
			r.order(AskPast{Task: n.id, Epoch: n.epoch})
		}
		return
	}
	if n.def.ForEach != nil {
		r.expand(n)
		return
	}
	r.makeInstances(n, 1)
	r.gate(n, 0)
}

func (r *Run) pastAnswered(f PastAnswered) {
	n := r.node(f.Task, -1)
	if n == nil || n.epoch != f.Epoch || n.state != Scheduled || len(n.inst) > 0 ||
		(n.past != pastAsked && n.past != pastRefused) || r.ending != notEnding {
		return
	}
	if !f.OK && n.past == pastRefused && n.pastRun == f.Run {
		return // the same answer again
	}
	n.pastRun = f.Run
	if !f.OK {
		n.past = pastRefused
		r.setNode(n, Scheduled, "waits for this task to end well in run "+f.Run+" (depends_on_past)")
		return
	}
	n.past = pastOK
	r.setNode(n, Scheduled, "")
	r.proceed(n)
}

func (r *Run) makeInstances(n *node, size int) {
	n.inst = make([]instance, size)
	n.count = [stateCount]int{}
	n.count[None] = size
	for k := range n.inst {
		n.inst[k].index = k
		n.inst[k].attempt = n.base
	}
	if !n.mapped {
		n.inst[0].index = -1
		if n.ti < 0 {
			n.inst[0].index = n.chain.index
		}
	}
}

// expand evaluates for_each, here or by the engine where the list depends on a spilled value.
func (r *Run) expand(n *node) {
	o := r.orderOf(n, -1)
	if spilled(o.Tasks) && n.def.ForEach.reads() {
		r.ask(Evaluate{ID: r.askID("for_each", n, -1), Key: o.Key, What: "for_each", Index: -1})
		return
	}
	value, err := r.listOf(n, o)
	if err != nil {
		r.failNode(n, r.place(n.def.ForEach.Expr)+reword("evaluate for_each", err))
		return
	}
	list, err := newItemList(value)
	if err != nil {
		r.failNode(n, r.place(n.def.ForEach.Expr)+err.Error())
		return
	}
	r.spread(n, list)
}

// reword says in one sentence what could not be done and why.
func reword(what string, cause error) string {
	return "cannot " + what + ": " + strings.TrimPrefix(cause.Error(), "cannot "+what+": ")
}

// failNode fails a task that got no instances: its list or its trigger cannot be evaluated.
func (r *Run) failNode(n *node, why string) {
	r.setNode(n, Failed, why)
	if len(n.def.OnFailure) > 0 {
		r.startChain(n, "on_failure", -1, n.def.OnFailure)
	}
}

func (r *Run) listOf(n *node, o Order) (any, error) {
	vars, err := o.Vars(nil)
	if err != nil {
		return nil, err
	}
	var value any
	if n.def.ForEach.Expr != nil {
		value, err = r.exprs.Eval(n.def.ForEach.Expr.Src, vars)
	} else {
		value, err = r.exprs.RenderJSON(n.def.ForEach.List, vars)
	}
	if err != nil {
		return nil, err
	}
	// Elements are JSON's values, as they would be had the engine evaluated them.
	b, err := expr.EncodeJSON(value)
	if err != nil {
		return nil, err
	}
	return expr.DecodeJSON(b)
}

// newItemList reads the value of a for_each. Null is an empty list.
func newItemList(v any) (*itemList, error) {
	switch v := v.(type) {
	case nil:
		return &itemList{}, nil
	case []any:
		return &itemList{items: v, size: len(v)}, nil
	case map[string]any:
		l := &itemList{keys: sortedKeys(v), size: len(v)}
		for _, k := range l.keys {
			l.items = append(l.items, v[k])
		}
		return l, nil
	}
	return nil, fmt.Errorf("cannot map over for_each: it gives neither a list nor a map")
}

// spread makes the instances of a mapped node and asks when of each.
func (r *Run) spread(n *node, list *itemList) {
	limit := r.info.MaxInstances
	if limit <= 0 {
		limit = DefaultMaxInstances
	}
	switch {
	case list.size == 0:
		r.setNode(n, Skipped, "for_each gave an empty list")
		return
	case list.size > limit:
		r.failNode(n, fmt.Sprintf("%scannot map over %d elements: at most %d are allowed (max_instances)",
			r.place(n.def.ForEach.Expr), list.size, limit))
		return
	}
	n.mapped, n.list = true, list
	r.makeInstances(n, list.size)
	r.mix(uint64(list.size))
	for _, d := range r.watchers(n) {
		r.touch(d)
	}
	var seen *sight
	if n.def.When != nil {
		seen = r.sightOf(n)
	}
	for k := range n.inst {
		r.gateSeeing(n, k, seen)
	}
}

// A sight is what a node sees of other tasks. It is the same for each of its instances and is
// gathered once for them: it may hold another 10,000.
type sight struct {
	views   map[string]TaskView
	values  map[string]any
	err     error
	spilled bool
}

func (r *Run) sightOf(n *node) *sight {
	s := &sight{views: r.views(n)}
	s.values, s.err = taskValues(s.views)
	s.spilled = spilled(s.views)
	return s
}

// gate asks when; true lets the instance want a slot.
func (r *Run) gate(n *node, k int) {
	var seen *sight
	if n.def.When != nil {
		seen = r.sightOf(n)
	}
	r.gateSeeing(n, k, seen)
}

func (r *Run) gateSeeing(n *node, k int, seen *sight) {
	if n.def.When == nil {
		r.enqueue(n, k)
		return
	}
	o := r.orderSeeing(n, k, seen.views)
	if (seen.spilled && mentions(n.def.When.Src, "tasks", "env")) || (o.ItemRef != nil && mentions(n.def.When.Src, "item", "env")) {
		in := &n.inst[k]
		in.asking = true
		r.ask(Evaluate{
			ID: r.askID("when", n, in.index), What: "when", Index: in.index,
			Key: Key{Task: n.id, Index: in.index, Epoch: n.epoch},
		})
		return
	}
	var vars map[string]any
	var yes bool
	err := seen.err
	if err == nil {
		vars, err = o.varsWith(seen.values, nil)
	}
	if err == nil {
		yes, err = r.exprs.Bool(n.def.When.Src, vars)
	}
	r.gated(n, k, yes, err)
}

func (r *Run) gated(n *node, k int, yes bool, err error) {
	switch {
	case err != nil:
		r.setInst(n, k, Failed, r.place(n.def.When)+reword("evaluate when", err))
		r.failed(n, k)
	case !yes:
		r.setInst(n, k, Skipped, "when is false: "+n.def.When.Src)
	default:
		r.enqueue(n, k)
	}
}

// mentions tells whether a source may name one of the words. It errs towards yes: then the engine
// evaluates what could have been evaluated here.
func mentions(src string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(src, w) {
			return true
		}
	}
	return false
}

func (r *Run) askID(what string, n *node, index int) string {
	if what == "for_each" {
		return fmt.Sprintf("for_each/%s/%d", n.id, n.epoch)
	}
	return fmt.Sprintf("%s/%s/%d/%d", what, n.id, index, n.epoch)
}

func (r *Run) ask(q Evaluate) {
	r.asks[q.ID] = q
	r.order(q)
}

func (r *Run) evaluated(f Evaluated) {
	q, ok := r.asks[f.ID]
	if !ok {
		return
	}
	delete(r.asks, f.ID)
	n := r.node(q.Key.Task, q.Key.Index)
	if n == nil || n.epoch != q.Key.Epoch || n.state.Finished() || (r.ending != notEnding && n.ti >= 0) {
		return
	}
	if q.What == "for_each" {
		r.forEachEvaluated(n, f)
		return
	}
	k := max(q.Key.Index, 0)
	if n.ti < 0 {
		k = 0
	}
	if k >= len(n.inst) || !n.inst[k].asking {
		return
	}
	n.inst[k].asking = false
	var err error
	yes := string(f.Value) == "true"
	switch {
	case f.Error != "":
		err = errors.New(f.Error)
	case !yes && string(f.Value) != "false":
		err = errors.New("truth is asked, true or false")
	}
	r.gated(n, k, yes, err)
}

func (r *Run) forEachEvaluated(n *node, f Evaluated) {
	if n.state != Scheduled || len(n.inst) > 0 {
		return
	}
	if f.Error != "" {
		r.failNode(n, r.place(n.def.ForEach.Expr)+reword("evaluate for_each", errors.New(f.Error)))
		return
	}
	if f.Ref != nil {
		r.spread(n, &itemList{ref: f.Ref, size: max(f.Len, 0)})
		return
	}
	v, err := expr.DecodeJSON(f.Value)
	var list *itemList
	if err == nil {
		list, err = newItemList(v)
	}
	if err != nil {
		r.failNode(n, r.place(n.def.ForEach.Expr)+err.Error())
		return
	}
	r.spread(n, list)
}

// reads tells whether a for_each may name tasks, itself or by an environment variable.
func (f *ForEach) reads() bool {
	if f.Expr != nil {
		return mentions(f.Expr.Src, "tasks", "env")
	}
	return mentions(string(f.List), "tasks", "env")
}
