package spec

import "strconv"

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
				help("use it as `${{ %s }}`, or drop it", memberOf("params", p.Name))
		}
	}
}

// memberOf is how a member is written in an expression: behind a dot, if its name allows.
func memberOf(of, name string) string {
	if envName.fits(name) {
		return of + "." + name
	}
	return of + "[" + strconv.Quote(name) + "]"
}
