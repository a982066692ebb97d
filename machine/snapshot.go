package machine

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// snapshotFormat numbers the form of a snapshot. A reader refuses what it does not know: a snapshot
// only spares a replay, the journal is the truth.
const snapshotFormat = 3

const (
	snapshotMark = "weft run\n"
	sealSize     = 8 // bytes of SHA-256 over all before it
)

// Snapshot returns the whole state of the run, outputs included and plans aside. Restore makes the
// same run of it.
func (r *Run) Snapshot() ([]byte, error) {
	if r.plan == nil {
		return nil, errors.New("cannot take a snapshot: the run has not started")
	}
	c := &codec{buf: []byte(snapshotMark), known: map[string]int{}}
	format := snapshotFormat
	num(c, &format)
	c.run(r)
	if c.err != nil {
		return nil, fmt.Errorf("cannot take a snapshot: %w", c.err)
	}
	sum := sha256.Sum256(c.buf)
	return append(c.buf, sum[:sealSize]...), nil
}

// Restore makes a run of a snapshot. It behaves as the run that the snapshot was taken of.
func Restore(plans Plans, b []byte) (*Run, error) {
	body, ok := bytes.CutPrefix(b, []byte(snapshotMark))
	if !ok || len(body) < sealSize {
		return nil, errors.New("cannot restore the run: this is no snapshot of a run")
	}
	end := len(b) - sealSize
	if sum := sha256.Sum256(b[:end]); !bytes.Equal(sum[:sealSize], b[end:]) {
		return nil, fmt.Errorf("cannot restore the run: %w", errCutOff)
	}
	return restore(plans, body[:len(body)-sealSize])
}

// restore reads what stands between mark and seal.
func restore(plans Plans, body []byte) (*Run, error) {
	c := &codec{reading: true, buf: body}
	var format int
	if num(c, &format); c.err == nil && format != snapshotFormat {
		return nil, fmt.Errorf("cannot restore the run: snapshot format %d, this weft knows %d", format, snapshotFormat)
	}
	r := New(plans)
	c.run(r)
	if c.err == nil && len(c.buf) > 0 {
		c.fail(errCutOff)
	}
	if c.err != nil {
		return nil, fmt.Errorf("cannot restore the run: %w", c.err)
	}
	return r, nil
}

func (c *codec) run(r *Run) {
	c.info(r)
	num(c, &r.hash)
	text(c, &r.state)
	c.moment(&r.startedAt)
	c.moment(&r.finishedAt)
	num(c, &r.epoch)
	text(c, &r.ending)
	text(c, &r.endingBy)
	for _, f := range []*bool{&r.late, &r.deciding, &r.finishing} {
		c.flag(f)
	}
	opt(c, &r.decided, func(d *RunDecided) { text(c, &d.State); text(c, &d.Reason) })
	if c.err != nil {
		return
	}
	if c.reading {
		r.nodes = make([]*node, len(r.plan.Tasks))
		for i := range r.nodes {
			def := &r.plan.Tasks[i]
			r.nodes[i] = &node{def: def, id: def.ID, ti: i}
		}
	}
	for _, n := range r.nodes {
		c.node(n)
	}
	byName(c, r.gone, func(id string, n **node) {
		if c.reading {
			*n = &node{id: id}
		}
		c.node(*n)
	})
	c.chains(r)
	list(c, &r.callList, func(n **node) { c.callback(r, n) })
	c.drains(r)
	c.timers(r)
	byName(c, r.asks, func(id string, q *Evaluate) {
		q.ID = id
		c.key(&q.Key)
		text(c, &q.What)
		num(c, &q.Index)
	})
	if c.reading && c.err == nil {
		r.lookUps()
		r.recount()
	}
}

// info is what the run was started with; it names the plan in force.
func (c *codec) info(r *Run) {
	var b []byte
	if !c.reading {
		var err error
		if b, err = json.Marshal(r.info); err != nil {
			c.fail(errors.New("its parameters are no JSON"))
		}
	}
	if b = c.bytes(b); !c.reading || c.err != nil {
		return
	}
	if json.Unmarshal(b, &r.info) != nil {
		c.fail(errCutOff)
		return
	}
	if r.info.Rules > Rules {
		c.fail(fmt.Errorf("%w (%d, this weft knows %d)", ErrRules, r.info.Rules, Rules))
	}
	r.plan = c.plan(r, r.info.Plan)
}

func (c *codec) plan(r *Run, hash string) *Plan {
	p := r.plans(hash)
	if p == nil {
		c.fail(fmt.Errorf("plan %s is missing", hash))
	}
	return p
}

// byName is a map; its names are written in order.
func byName[V any](c *codec, m map[string]V, each func(name string, v *V)) {
	names := slices.Sorted(maps.Keys(m))
	list(c, &names, func(name *string) {
		text(c, name)
		v := m[*name]
		each(*name, &v)
		m[*name] = v
	})
}

func (c *codec) key(k *Key) {
	text(c, &k.Task)
	num(c, &k.Index)
	num(c, &k.Epoch)
	num(c, &k.Attempt)
}

func (c *codec) hookKey(k *hookKey) {
	text(c, &k.owner)
	text(c, &k.hook)
	num(c, &k.index)
}

// chains are the callbacks under way and those that wait for them.
func (c *codec) chains(r *Run) {
	keys := slices.SortedFunc(maps.Keys(r.chains), func(a, b hookKey) int {
		return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.hook, b.hook), a.index-b.index)
	})
	list(c, &keys, func(k *hookKey) {
		c.hookKey(k)
		queue := r.chains[*k]
		list(c, &queue, func(ch **chain) {
			if c.reading {
				*ch = &chain{hookKey: *k}
			}
			c.chain(r, *ch)
		})
		r.chains[*k] = queue
	})
}

func (c *codec) chain(r *Run, ch *chain) {
	text(c, &ch.plan)
	num(c, &ch.next)
	opt(c, &ch.err, c.taskError)
	if c.reading && c.err == nil {
		ch.tasks = c.hookTasks(r, ch.plan, ch.hookKey)
		if ch.next < 0 || ch.next > len(ch.tasks) {
			c.fail(errCutOff)
		}
	}
}

func (c *codec) hookTasks(r *Run, hash string, k hookKey) []Task {
	if p := c.plan(r, hash); p != nil {
		for _, h := range p.hooks() {
			if h.owner == k.owner && h.name == k.hook {
				return h.tasks
			}
		}
	}
	c.fail(errCutOff)
	return nil
}

// callback is a callback that has begun. While it goes on, its chain is the first of its queue.
func (c *codec) callback(r *Run, at **node) {
	ch, id := chain{}, ""
	if !c.reading {
		ch, id = *(*at).chain, (*at).def.ID
	}
	c.hookKey(&ch.hookKey)
	text(c, &ch.plan)
	text(c, &id)
	if !c.reading {
		c.node(*at)
		return
	}
	n := &node{ti: -1, id: CallbackID(ch.owner, ch.hook, id), chain: &ch}
	*at = n
	if c.err != nil {
		return
	}
	tasks := c.hookTasks(r, ch.plan, ch.hookKey)
	i := slices.IndexFunc(tasks, func(t Task) bool { return t.ID == id })
	if i < 0 {
		c.fail(errCutOff)
		return
	}
	n.def = &tasks[i]
	c.node(n)
	r.calls[callKey{n.id, ch.index}] = n
	if n.state.Finished() {
		return
	}
	if queue := r.chains[ch.hookKey]; len(queue) > 0 {
		n.chain = queue[0]
		return
	}
	c.fail(errCutOff)
}

func (c *codec) drains(r *Run) {
	keys := slices.SortedFunc(maps.Keys(r.drains), compareKeys)
	list(c, &keys, func(k *Key) {
		c.key(k)
		d := r.drains[*k]
		if c.reading {
			d = new(drain)
			r.drains[*k] = d
		}
		text(c, &d.plan)
		opt(c, &d.remote, c.remote)
	})
}

// timers writes each by whose it is and what for; its name follows from that.
func (c *codec) timers(r *Run) {
	place := map[*node]int{} // from 1 the tasks, from -1 the callbacks; 0 is the run
	if !c.reading && len(r.timers) > 0 {
		for i, n := range r.nodes {
			place[n] = i + 1
		}
		for i, n := range r.callList {
			place[n] = -i - 1
		}
	}
	names := slices.Sorted(maps.Keys(r.timers))
	list(c, &names, func(name *string) {
		what, _, _ := strings.Cut(*name, "/")
		t := r.timers[*name]
		at := place[t.node]
		text(c, &what)
		num(c, &at)
		num(c, &t.k)
		c.moment(&t.at)
		if at == 0 {
			text(c, name)
		}
		if !c.reading || c.err != nil {
			return
		}
		if at != 0 {
			t.node = r.placed(at)
			if t.node == nil || t.k < 0 || t.k >= len(t.node.inst) {
				c.fail(errCutOff)
				return
			}
			*name = r.timerName(what, t.node, t.k)
		}
		r.timers[*name] = t
	})
}

// placed gives the task or callback of a place, nil if there is none.
func (r *Run) placed(at int) *node {
	switch {
	case at > 0 && at <= len(r.nodes):
		return r.nodes[at-1]
	case at < 0 && -at <= len(r.callList):
		return r.callList[-at-1]
	}
	return nil
}
