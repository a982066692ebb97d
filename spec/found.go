package spec

import "slices"

// Off is the severity, in settings, of what shall not be said.
const Off Severity = "off"

// found closes the list of diagnostics: fixes are made, comments silence, settings weigh.
func (d *DAG) found(src []byte) []Diagnostic {
	d.settleMends()
	d.settle(src)
	d.unreplace()
	d.silence(src)
	d.weigh()
	return sorted(d.diags)
}

// weigh gives findings the severities that the settings say. An error stays one: the DAG would not run.
func (d *DAG) weigh() {
	if len(d.opts.Severities) == 0 {
		return
	}
	d.diags = slices.DeleteFunc(d.diags, func(diag *Diagnostic) bool {
		s, set := d.opts.Severities[diag.Code]
		if !set || diag.Severity == Error {
			return false
		}
		diag.Severity = s
		d.failed = d.failed || s == Error
		return s == Off
	})
}
