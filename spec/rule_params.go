package spec

// ruleParams warns of params that no expression names: a run would ask for them in vain.
func ruleParams(d *DAG) {
	for _, u := range d.uses {
		if u.where == "trigger" || u.where == "verdict" {
			d.noteParams(u.src)
		}
	}
	for _, f := range d.top.get("params").fieldsOrNone() {
		if p := d.params[f.Key.Text]; p != nil && !p.used && p.key == f.Key {
			d.report(rParam, d.span(f.Key), "no expression uses the param %q", p.Name).
				help("use it as `${{ params.%s }}`, or drop it", p.Name)
		}
	}
}
