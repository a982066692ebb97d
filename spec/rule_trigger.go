package spec

import (
	"slices"

	"weft/expr"
)

// ruleTrigger checks triggers that are expressions. A trigger makes no edge: it may name only
// direct upstream tasks.
func ruleTrigger(d *DAG) {
	for _, t := range d.tasks {
		d.idleTrigger(t)
	}
	for _, u := range d.uses {
		if u.where != "trigger" {
			continue
		}
		info, problems := expr.CheckTrigger(u.src, d.triggerScope())
		d.told(u, u.off, info, problems)
		t := u.task
		if d.cyclic || len(problems) > 0 {
			continue
		}
		upstream := slices.Concat(t.Needs, t.Refs)
		for _, r := range info.Refs {
			if d.byID[r.Task] == nil || slices.Contains(upstream, r.Task) {
				continue
			}
			d.report(gNotUpstream, d.within(u.node, u.off+r.Offset, r.Len), "the trigger of task %q asks about %q, which is not upstream", t.ID, r.Task).
				help("add %q to `needs`: a trigger makes no edge", r.Task)
		}
		if info.Names["upstream"] && len(t.Refs) > 0 {
			d.warnCounting(u)
		}
	}
}

// idleTrigger warns of a rule at a task that waits for nobody: each rule then says run.
func (d *DAG) idleTrigger(t *task) {
	key := t.f.key("trigger")
	if key == nil || t.Trigger.Expr != nil || slices.Contains([]string{"always", "all_success"}, t.Trigger.Rule) || d.cyclic || len(t.Needs)+len(t.Refs) > 0 {
		return
	}
	if t.f.get("needs") != nil || len(t.refs) > 0 || !t.f.lacks("needs") || !slices.Contains(triggerRules, t.f.get("trigger").Text) {
		return // what is upstream was reported, or is left out on purpose
	}
	d.reportAs(Warning, sMissing, d.span(key), "`trigger` needs upstream tasks: task %q waits for none, and runs at once", t.ID).
		help("say whom it waits for: `needs: [a, b]`")
}

// warnCounting: whoever counts upstream tasks counts those that an expression made upstream, too.
func (d *DAG) warnCounting(u *use) {
	diag := d.report(gCounting, d.span(u.node), "the trigger of task %q counts upstream tasks, and references add %s", u.task.ID, orWords(quoted(u.task.Refs)))
	for _, r := range u.task.refs {
		if r.edge && slices.Contains(u.task.Refs, r.id) {
			diag.related(r.at, "%q becomes upstream by this reference", r.id)
		}
	}
	diag.help("name them in `needs`, so that what is counted is seen")
}

// triggerScope: a trigger names tasks and upstream, and nothing that has a value. Values belong into
// `when`, which is asked once, when the trigger has said run.
func (d *DAG) triggerScope() *expr.Scope {
	return &expr.Scope{Tasks: d.scope().tasks, Want: expr.KindBool, Roots: map[string]expr.Type{}}
}

// ruleVerdict checks a verdict that is an expression. It is asked when all tasks have finished, so it
// may name every one of them.
func ruleVerdict(d *DAG) {
	for _, u := range d.uses {
		if u.where != "verdict" {
			continue
		}
		sc := d.triggerScope()
		sc.Verdict = true
		info, problems := expr.CheckTrigger(u.src, sc)
		d.told(u, u.off, info, problems)
	}
}
