package spec

// checkRemote refuses what work that is done elsewhere cannot have: pokes, each of which would start it
// anew, and files of this machine.
func (d *DAG) checkRemote(t *task) {
	if !t.known || !t.plugin.Remote {
		return
	}
	for key, say := range map[string]string{
		"sensor":    "leave it out: the task waits for its end anyway, for nothing; `timeout` bounds it",
		"artifacts": "its files are not on this machine: let it write to S3, and hand on the address",
		"inputs":    "its files are not on this machine: hand it the address in its input",
	} {
		if at := t.f.key(key); at != nil {
			d.report(sWrongPlace, d.span(at), "a task that uses %s has no `%s`", t.plugin.Name, key).label("not here").help("%s", say)
		}
	}
}
