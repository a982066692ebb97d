package machine

import "weft/expr"

func (c *codec) taskError(e *TaskError) {
	text(c, &e.Kind)
	text(c, &e.Message)
	opt(c, &e.Exit, func(v *int) { num(c, v) })
}

// node is all of a node but what the plan says and what follows from other nodes.
func (c *codec) node(n *node) {
	c.nodeAlone(n)
	byName(c, c.sights(n), func(id string, old **node) {
		if c.reading {
			*old = &node{id: id}
		}
		c.nodeAlone(*old) // what it had seen itself, nobody asks any more
	})
}

func (c *codec) sights(n *node) map[string]*node {
	if c.reading {
		n.saw = map[string]*node{}
	}
	return n.saw
}

func (c *codec) nodeAlone(n *node) {
	num(c, &n.state)
	num(c, &n.epoch)
	num(c, &n.base)
	num(c, &n.said)
	text(c, &n.cause.Rule)
	text(c, &n.cause.Because)
	text(c, &n.cause.Text)
	c.moment(&n.cause.At)
	c.moment(&n.ended)
	list(c, &n.blind, func(b *blind) {
		text(c, &b.id)
		list(c, &b.seen, func(w *uint64) { num(c, w) })
	})
	num(c, &n.past)
	text(c, &n.pastRun)
	c.flag(&n.mapped)
	num(c, &n.drain)
	opt(c, &n.taskErr, c.taskError)
	opt(c, &n.list, c.itemList)
	list(c, &n.inst, c.instance)
	if c.reading && c.err == nil {
		c.checkNode(n)
	}
}

// checkNode fills in what follows from the rest, and refuses what no run can be in.
func (c *codec) checkNode(n *node) {
	if n.state > UpstreamFailed || n.said > failUpstream || n.past > pastOK || (len(n.inst) > 1 && !n.mapped) {
		c.fail(errCutOff)
		return
	}
	if l := n.list; l != nil && l.ref == nil && len(l.items) != len(n.inst) {
		c.fail(errCutOff)
		return
	}
	for k := range n.inst {
		in := &n.inst[k]
		if in.state > UpstreamFailed || in.result.State > UpstreamFailed {
			c.fail(errCutOff)
			return
		}
		n.count[in.state]++
		switch {
		case n.mapped:
			in.index = k
		case n.chain != nil:
			in.index = n.chain.index
		default:
			in.index = -1
		}
	}
}

func (c *codec) itemList(l *itemList) {
	num(c, &l.size)
	opt(c, &l.ref, c.ref)
	list(c, &l.keys, func(s *string) { text(c, s) })
	if !c.reading {
		b, err := expr.EncodeJSON(l.items)
		if err != nil {
			c.fail(err)
			return
		}
		c.bytes(b)
		return
	}
	v, err := expr.DecodeJSON(c.bytes(nil))
	if c.err != nil {
		return
	}
	items, ok := v.([]any)
	if err != nil || !ok || (len(l.keys) > 0 && len(l.keys) != len(items)) {
		c.fail(errCutOff)
		return
	}
	l.items = items
}

func (c *codec) ref(ref *Ref) {
	text(c, &ref.URI)
	num(c, &ref.Size)
	text(c, &ref.SHA256)
}

func (c *codec) instance(in *instance) {
	num(c, &in.state)
	num(c, &in.attempt)
	num(c, &in.tries)
	num(c, &in.lost)
	text(c, &in.stop)
	text(c, &in.reason)
	c.flag(&in.asking)
	c.moment(&in.since)
	c.moment(&in.started)
	c.moment(&in.ended)
	c.moment(&in.retryAt)
	o := &in.result
	num(c, &o.State)
	text(c, &o.Kind)
	text(c, &o.Error)
	opt(c, &o.Exit, func(v *int) { num(c, v) })
	c.flag(&o.Final)
	c.raw(&o.Output)
	opt(c, &o.Ref, c.ref)
	list(c, &o.Artifacts, c.artifact)
	num(c, &o.Elapsed)
	opt(c, &in.remote, c.remote)
}

func (c *codec) remote(m *Remote) {
	text(c, &m.Token)
	c.moment(&m.Intended)
	c.raw(&m.Target)
	c.raw(&m.Handle)
	text(c, &m.Text)
}
