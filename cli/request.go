package cli

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"weft/config"
	"weft/expr"
	"weft/handoff"
	"weft/machine"
	"weft/runner"
	"weft/schedule"
	"weft/spec"
)

// params reads -p k=v and -p k:=JSON: text by name, JSON values by name.
func paramFlags(flags []string) (given map[string]any, text map[string]string, err error) {
	given, text = map[string]any{}, map[string]string{}
	for _, f := range flags {
		name, value, ok := strings.Cut(f, "=")
		if !ok || name == "" || name == ":" {
			return nil, nil, usagef("cannot read -p %q: write -p name=value, or -p name:=JSON", f)
		}
		if !utf8.ValidString(f) {
			return nil, nil, usagef("cannot read -p %q: it is not UTF-8", f)
		}
		raw, isJSON := strings.CutSuffix(name, ":")
		if !isJSON {
			text[name] = value
			continue
		}
		v, err := expr.DecodeJSON([]byte(value))
		if err != nil {
			return nil, nil, usagef("cannot read -p %q: %s is no JSON: %v", f, value, err)
		}
		given[raw] = v
	}
	return given, text, nil
}

// checkedParams fills in defaults and holds what was given against the DAG's params.
func checkedParams(plan *machine.Plan, flags []string) (map[string]any, error) {
	given, text, err := paramFlags(flags)
	if err != nil {
		return nil, err
	}
	params, problems := spec.CheckParams(plan, given, text)
	if len(problems) == 0 {
		return params, nil
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return nil, &usageError{&hinted{
		err:  fmt.Errorf("cannot run %s: %s", plan.DAG, strings.Join(lines, "; ")),
		hint: paramHint(plan),
	}}
}

// paramHint says which params a DAG has and how they are given.
func paramHint(plan *machine.Plan) string {
	if len(plan.Params) == 0 {
		return "this DAG has no params"
	}
	forms := make([]string, len(plan.Params))
	for i, p := range plan.Params {
		forms[i] = "-p " + p.Name + "=…"
	}
	return "its params are " + strings.Join(forms, " ") + " (:= for JSON)"
}

// dateLayouts are the forms of --logical-date; without a zone it is UTC.
var dateLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", time.DateOnly}

func logicalDate(s string) (time.Time, error) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, usagef("cannot read --logical-date %q: write 2026-01-02 or 2026-01-02T03:04:05Z", s)
}

// findFile resolves what `weft run` is given: a file, or the id of a DAG below the DAGs folder.
func findFile(arg, folder string, ids func(file string) (string, bool)) (string, error) {
	if info, err := os.Stat(arg); err == nil && !info.IsDir() {
		return arg, nil
	}
	if strings.ContainsAny(arg, `/\`) || strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml") {
		return "", fmt.Errorf("cannot read %s: there is no such file", arg)
	}
	found, err := filesOf(arg, folder, ids)
	if err != nil {
		return "", &hinted{fmt.Errorf("cannot find DAG %q: %w", arg, err), "name a file; WEFT_DAGS, or dags in weft.yaml, names another folder"}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", noDAG(arg, folder, ids)
	}
	return "", fmt.Errorf("cannot run DAG %q: %s have that id", arg, strings.Join(found, " and "))
}

// filesOf returns the files of a folder that hold the DAG of an id: one, if all is well.
func filesOf(id, folder string, ids func(file string) (string, bool)) (found []string, err error) {
	files, err := dagFiles(folder)
	for _, f := range files {
		if got, ok := ids(f); ok && got == id {
			found = append(found, f)
		}
	}
	return found, err
}

// manual makes the request of a run that someone orders now.
func (e *env) manual(plan *machine.Plan, file, runID, date string, params map[string]any) (runner.Request, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return runner.Request{}, fmt.Errorf("cannot find the folder of %s: %w", file, err)
	}
	now := time.Now()
	var asked *time.Time
	if date != "" {
		when, err := logicalDate(date)
		if err != nil {
			return runner.Request{}, err
		}
		asked = &when
	}
	req := manualAt(e.conf, plan, dir, asked, now)
	if req.Run = runID; runID == "" {
		req.Run = runner.RunID("manual", req.LogicalDate, now)
	}
	req.Params, req.By, req.Sandbox = params, userName(), e.sandbox
	return req, nil
}

// manualAt is the request of a run by hand, for a date (nil: now); dir is the absolute folder of the DAG's file.
func manualAt(conf config.Config, plan *machine.Plan, dir string, date *time.Time, now time.Time) runner.Request {
	zone, err := time.LoadLocation(plan.Timezone)
	if err != nil { // the validator refuses it
		zone = time.UTC
	}
	t := schedule.Interval(plan, zone, date, now)
	req := requestOf(conf, plan, dir)
	req.Type, req.LogicalDate, req.IntervalStart, req.IntervalEnd = "manual", t.From, t.From, t.To
	return req
}

// requestOf is what every run of a configuration has, whoever orders it.
func requestOf(conf config.Config, plan *machine.Plan, dir string) runner.Request {
	return runner.Request{Plan: plan, Dir: dir, Vars: conf.Vars, MaxInstances: conf.MaxInstances, Handoff: handoffOf(conf, plan)}
}

// handoffOf is where a run of a plan keeps its values for good, whatever the configuration says later.
// "" is the home's own folder: that moves with the home.
func handoffOf(conf config.Config, plan *machine.Plan) string {
	if plan.Handoff == "" && conf.Handoff != handoff.FileURI(ownHandoff(conf.Home)) {
		return conf.Handoff
	}
	return plan.Handoff
}

// checkRunID holds a run id against section 1 of the language.
func checkRunID(id string) error {
	if id == latest {
		return usagef("cannot use run id %q: it stands for the newest run", id)
	}
	if err := spec.CheckRunID(id); err != nil {
		return &usageError{err}
	}
	return nil
}

// userName is who ordered something, for the record.
func userName() string {
	for _, name := range []string{"USER", "LOGNAME"} {
		if u := os.Getenv(name); u != "" {
			return u
		}
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
