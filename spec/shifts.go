package spec

import (
	"strings"

	"weft/cron"
)

// A wall time that a zone's clocks skip or show twice is legal, and the language says what becomes of it
// (section 7). Authors learn of it here rather than in a night of March. It is told by the rule of the zone, not
// by the next date: the same file must give the same words next year.

// shiftYears is the first of the ten years that a zone's changes of offset are looked at in; where a zone has no rule
// that fits them all, dates are named.
const shiftYears = 2026

// shifts tells of the changes of offset that a cron text meets.
func (d *DAG) shifts(n *Node, e *cron.Expr, z *timezone, start *Node) {
	if e.EachHour() {
		return
	}
	var all, hits [2][]cron.Shift
	wall := [2]string{}
	for _, s := range z.shifts() {
		kind := 0
		if !s.Gap {
			kind = 1
		}
		all[kind] = append(all[kind], s)
		if t, hit := e.Hit(s); hit {
			hits[kind] = append(hits[kind], s)
			if wall[kind] == "" {
				wall[kind] = t.Format("15:04")
			}
		}
	}
	off, size := e.Hour()
	at := d.within(n, off, size)
	if n.Text[:1] == "@" {
		at = d.span(n)
	}
	if len(hits[0]) > 0 {
		first := hits[0][0]
		d.report(tGap, at, "%s does not exist in %s %s: clocks go from %s to %s", wall[0], z.name, when(all[0], hits[0]),
			first.From.Format("15:04"), first.To.Format("15:04")).
			note("note", "it fires at once after the gap; `dst: {gap: next}` says so, `dst: {gap: skip}` leaves it out")
	}
	if len(hits[1]) > 0 {
		d.report(tFold, at, "%s comes twice in %s %s", wall[1], z.name, when(all[1], hits[1])).
			note("note", "it fires the first time; `dst: {fold: first}` says so, `dst: {fold: both}` fires twice")
	}
}

// when says on which days: by the zone's rule if it has one and each of them is met, else the first dates.
func when(all, hits []cron.Shift) string {
	if len(all) == len(hits) {
		if day, ok := cron.Day(all); ok {
			return "on " + day
		}
	}
	var days []string
	for _, s := range hits[:min(2, len(hits))] {
		days = append(days, s.From.Format("2006-01-02"))
	}
	return "on " + strings.Join(days, " and ")
}
