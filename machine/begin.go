package machine

import (
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
	ti   int
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
	n.cause = Cause{Rule: n.def.Trigger.Rule, Because: because, At: r.now}
	if n.def.Trigger.Expr != nil {
		n.cause.Rule = n.def.Trigger.Expr.Src
	}
	switch {
	case err != nil:
		r.setNode(n, Failed, r.place(n.def.Trigger.Expr)+"cannot judge the trigger: "+err.Error())
	case d == failUpstream:
		r.setNode(n, UpstreamFailed, "trigger "+n.cause.Rule+" can no longer hold: "+because)
	case d == skip:
		r.setNode(n, Skipped, "trigger "+n.cause.Rule+" does not hold: "+because)
	default:
		n.blind = r.unseen(n)
		r.setNode(n, Scheduled, "")
		r.proceed(n)
	}
}

func (r *Run) place(e *Expr) string {
	if e == nil || e.Pos.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d: ", r.plan.File, e.Pos.Line, e.Pos.Col)
}

// unseen lists what the node reads and what has not finished yet.
func (r *Run) unseen(n *node) []blind {
	var out []blind
	for _, id := range n.def.Reads {
		i, ok := r.plan.index[id]
		if !ok || r.nodes[i].state.Finished() {
			continue
		}
		b := blind{ti: i}
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
	if o.spilled() && n.def.ForEach.reads() {
		r.ask(Evaluate{ID: fmt.Sprintf("for_each/%s/%d", n.id, n.epoch), Key: Key{Task: n.id, Index: -1, Epoch: n.epoch}, What: "for_each", Index: -1})
		return
	}
	value, err := r.listOf(n, o)
	if err != nil {
		r.setNode(n, Failed, r.place(n.def.ForEach.Expr)+"cannot evaluate for_each: "+err.Error())
		return
	}
	list, err := newItemList(value)
	if err != nil {
		r.setNode(n, Failed, r.place(n.def.ForEach.Expr)+err.Error())
		return
	}
	r.spread(n, list)
}

func (r *Run) listOf(n *node, o Order) (any, error) {
	vars, err := o.Vars(nil)
	if err != nil {
		return nil, err
	}
	if n.def.ForEach.Expr != nil {
		return r.exprs.Eval(n.def.ForEach.Expr.Src, vars)
	}
	return r.exprs.RenderJSON(n.def.ForEach.List, vars)
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
		r.setNode(n, Failed, fmt.Sprintf("%scannot map over %d elements: at most %d are allowed (max_instances)",
			r.place(n.def.ForEach.Expr), list.size, limit))
		return
	}
	n.mapped, n.list = true, list
	r.makeInstances(n, list.size)
	r.mix(uint64(list.size))
	for _, d := range r.watchers(n) {
		r.touch(d)
	}
	for k := range n.inst {
		r.gate(n, k)
	}
}

// gate asks when; true lets the instance want a slot.
func (r *Run) gate(n *node, k int) {
	if n.def.When == nil {
		r.enqueue(n, k)
		return
	}
	o := r.orderOf(n, k)
	if (o.spilled() && strings.Contains(n.def.When.Src, "tasks")) || (o.ItemRef != nil && strings.Contains(n.def.When.Src, "item")) {
		n.inst[k].asking = true
		idx := n.inst[k].index
		r.ask(Evaluate{ID: fmt.Sprintf("when/%s/%d/%d", n.id, idx, n.epoch), Key: Key{Task: n.id, Index: idx, Epoch: n.epoch}, What: "when", Index: idx})
		return
	}
	vars, err := o.Vars(nil)
	var yes bool
	if err == nil {
		yes, err = r.exprs.Bool(n.def.When.Src, vars)
	}
	r.gated(n, k, yes, err)
}

func (r *Run) gated(n *node, k int, yes bool, err error) {
	switch {
	case err != nil:
		r.setInst(n, k, Failed, r.place(n.def.When)+"cannot evaluate when: "+err.Error())
		r.failed(n, k)
	case !yes:
		r.setInst(n, k, Skipped, "when is false: "+n.def.When.Src)
	default:
		r.enqueue(n, k)
	}
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
	if n == nil || n.epoch != q.Key.Epoch || n.state.Finished() || r.ending != notEnding {
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
	if f.Error != "" {
		err = fmt.Errorf("%s", f.Error)
	}
	r.gated(n, k, string(f.Value) == "true", err)
}

func (r *Run) forEachEvaluated(n *node, f Evaluated) {
	if n.state != Scheduled || len(n.inst) > 0 {
		return
	}
	if f.Error != "" {
		r.setNode(n, Failed, r.place(n.def.ForEach.Expr)+"cannot evaluate for_each: "+f.Error)
		return
	}
	if f.Ref != nil {
		r.spread(n, &itemList{ref: f.Ref, size: f.Len})
		return
	}
	v, err := expr.DecodeJSON(f.Value)
	var list *itemList
	if err == nil {
		list, err = newItemList(v)
	}
	if err != nil {
		r.setNode(n, Failed, r.place(n.def.ForEach.Expr)+err.Error())
		return
	}
	r.spread(n, list)
}

// reads tells whether a for_each names tasks at all.
func (f *ForEach) reads() bool {
	if f.Expr != nil {
		return strings.Contains(f.Expr.Src, "tasks")
	}
	return strings.Contains(string(f.List), "tasks")
}
