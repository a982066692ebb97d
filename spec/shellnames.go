package spec

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"weft/expr"
	"weft/machine"
)

// Only a shell replaces $NAME. In a plugin's input, in `env`, in a path and in the words of a `run` list it stays
// as it is, which people who come from shells and Compose files do not expect. A `$` may be meant for whoever
// reads the value, so only names are told of that are variables here.

var shellName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)
})

// inherited are variables that a process mostly has.
var inherited = []string{
	"HOME", "PATH", "USER", "PWD", "TMPDIR", "HOSTNAME", "WEFT_DAG_ID", "WEFT_RUN_ID", "WEFT_TASK_ID", "WEFT_INDEX", "WEFT_ATTEMPT",
	"WEFT_LOGICAL_DATE", "WEFT_OUTPUT", "WEFT_TMPDIR", "WEFT_IDEMPOTENCY_KEY",
}

// readers are programs whose arguments another shell or program replaces variables in.
var readers = strings.Fields("sh bash dash zsh ksh fish busybox env ssh docker podman kubectl make awk gawk perl xargs parallel nu pwsh su sudo envsubst eval tmux")

// homeless are keys that hold paths, in which nothing makes a home of ~.
var homeless = []string{"workdir", "with.path", "with.file", "with.to", "with.requirements", "with.find_links", "with.python"}

// shellNames warns of variables of a shell in a text that no shell reads.
func (d *DAG) shellNames(u *use) {
	text := u.node.Text
	if strings.HasPrefix(text, "~/") && u.form == template && slices.Contains(homeless, u.path) {
		d.reportAs(Warning, expr.CodeForeign, d.within(u.node, 0, 1), "no shell reads this: ~ stays as it is, and is no folder").
			help("write the folder's path, as /home/…")
	}
	if u.form != template || u.task == nil && u.where != "env" || !strings.Contains(text, "$") {
		return
	}
	argv := u.where == "run"
	if argv && d.readsVariables(u) {
		return
	}
	for _, m := range shellName().FindAllStringSubmatchIndex(text, maxForeign) {
		name := text[max(m[2], m[4]):max(m[3], m[5])]
		own := d.hasVariable(u.task, name)
		switch {
		case !own && !slices.Contains(inherited, name):
			continue
		case m[0] > 0 && (text[m[0]-1] == '$' || text[m[0]-1] == '\\'):
			continue
		case argv && (m[0] > 0 || m[1] < len(text) && text[m[1]] != '/'):
			continue
		}
		at := d.within(u.node, utf8.RuneCountInString(text[:m[0]]), utf8.RuneCountInString(text[m[0]:m[1]]))
		diag := d.reportAs(Warning, expr.CodeForeign, at, "no shell reads this: %s stays as it is", text[m[0]:m[1]])
		switch {
		case own && u.where != "env":
			diag.help("write ${{ env.%s }}", name)
		case argv:
			diag.help("write the command as text, which a shell reads: run: prog \"%s\"", text[m[0]:m[1]])
		case u.where == "env":
			_, key, _ := strings.Cut(u.path, ".")
			diag.help("set it in the script: export %s=\"…%s…\"", key, text[m[0]:m[1]])
		default:
			diag.help("an expression sees the `env` that the file sets, as ${{ env.NAME }}, and nothing that is inherited")
		}
	}
}

// readsVariables tells whether a program of a `run` list may replace variables in its arguments.
func (d *DAG) readsVariables(u *use) bool {
	run := u.task.f.get("run")
	if run == nil {
		run = u.task.f.get("with").Get("run")
	}
	return run == nil || len(run.Items()) == 0 || slices.ContainsFunc(run.Items()[:min(3, len(run.Items()))], func(n *Node) bool {
		return slices.Contains(readers, path.Base(n.Text))
	})
}

// hasVariable tells whether the file sets a variable for a task.
func (d *DAG) hasVariable(t *task, name string) bool {
	is := func(v machine.Var) bool { return v.Name == name }
	for _, level := range []*Node{d.top.get("env"), d.defaults.get("env")} {
		if level.Get(name) != nil {
			return true
		}
	}
	return t != nil && (slices.ContainsFunc(t.Env, is) || t.f.get("env").Get(name) != nil)
}
