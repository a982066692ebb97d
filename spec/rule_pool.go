package spec

import (
	"cmp"
	"maps"
	"slices"
)

// rulePool checks each task's pool against the configuration's. Offline nobody knows the pools, so
// there an unknown one is a warning. `default` is there everywhere. A task that wants more slots than
// its pool has would wait for ever, in silence.
func rulePool(d *DAG) {
	for _, t := range slices.Concat(d.tasks, d.hooks) {
		n := t.get("pool")
		size, ok := d.opts.Pools[t.Pool]
		switch {
		case n == nil && !ok, t.broken, n != nil && n.Kind != Scalar:
		case !ok && t.Pool == "default_pool": // Airflow's
			severity := Warning
			if d.opts.Pools != nil {
				severity = Error
			}
			d.reportAs(severity, sPool, d.span(n), "there is no pool %q", t.Pool).instead(t.Pool, "default")
		case !ok && d.opts.Pools != nil:
			r := d.report(sPool, d.span(n), "there is no pool %q", t.Pool).suggest(t.Pool, slices.Sorted(maps.Keys(d.opts.Pools)))
			if r.Label == "" {
				r.help("a new pool is a member of `pools` in weft.yaml, with its slots: pools: {%s: 4}", t.Pool)
			}
		case !ok && t.Pool != "default":
			d.reportAs(Warning, sPool, d.span(n), "whether there is a pool %q is not known here", t.Pool).
				help("no weft.yaml says which pools there are: write one with `pools: {%s: 4}`, or name it by --config", t.Pool)
		case ok && t.PoolSlots > size:
			at := t.f.get("pool_slots")
			if at == nil { // it wants one, and there is none
				at = cmp.Or(n, t.key)
			}
			if t.PoolSlots == 1 {
				d.report(sValue, d.span(at), "pool %q has no slots: %s would never run", t.Pool, t.name())
				continue
			}
			d.report(sValue, d.span(at), "%s wants %d slots of pool %q, which has %d: it would never run", t.name(), t.PoolSlots, t.Pool, size)
		}
	}
}
