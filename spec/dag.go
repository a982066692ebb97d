package spec

import (
	"encoding/json"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"weft/machine"
)

// Plugins is what there is to say in `uses`.
type Plugins interface {
	Plugin(name string) (PluginInfo, bool)
	Names() []string // sorted
}

// A PluginInfo is what a file can be checked against.
type PluginInfo struct {
	Name, Title string
	Input       json.RawMessage // JSON Schema of `with`; nil = anything
	Output      json.RawMessage // JSON Schema of the output; nil = anything
	Sensor      bool            // a sensor by nature
	Endless     bool            // … whose wait may never be over
	Remote      bool            // its work is done elsewhere, and watched
}

// Options is what is known around a file. The zero value checks the file alone.
type Options struct {
	Plugins      Plugins               // nil = any plugin, unchecked
	Pools        map[string]int        // nil = offline: an unknown pool is a warning
	Vars         map[string]any        // nil = not known: any name may be there
	MaxInstances int                   // of for_each; 0 = 10,000
	FileExists   func(rel string) bool // relative to the file's folder; nil = not asked
	Severities   map[string]Severity   // by code, of what is no error; Off is not said
	Lint         func(Script) []Remark // what a linter of shells says of a script; nil = none is asked
}

// A DAG is a file that still knows where each value stood.
//
// It is filled in by Parse and says the same ever after. It is not safe for concurrent use, not even
// for reading: the walk that finds places is kept. Drafts (plan, tasks, hooks)
// hold what could be read, whether or not the file has errors, so that rules can go on; what was
// reported is marked (bad, broken, known) so that nothing is said of it twice.
type DAG struct {
	file string
	opts Options
	src  *source
	root *Node
	top  fields

	plan       machine.Plan
	defaults   fields  // the keys of `defaults`; read again under each task
	tasks      []*task // file order
	byID       map[string]*task
	hooks      []*task                // callbacks, of the DAG and of tasks
	plugins    map[string]*PluginInfo // those that were asked for; nil = unknown
	plain      []*use                 // texts without expressions that may hold a name of ours in other brackets
	braces     []*use                 // texts that may hold a name of ours without its $
	meant      []string               // expressions that are none for want of a $, or of not for !
	lists      map[*task]*use         // of uses, those that are for_each
	uses       []*use                 // where expressions stand, in the order they were met
	params     map[string]*param
	allParams  bool          // an expression may name any of them
	envNames   []string      // of the DAG's env
	defaultEnv []machine.Var // of `defaults`, as each task has it

	// What is worked out once a file, for files say the same many times over.
	answers  map[question]answer
	shells   map[syntax.LangVariant]*syntax.Parser
	trees    map[shellText]*syntax.File
	seen     *scopes             // see scope
	linked   *machine.Plan       // see sealed
	shapes   []shape             // see shapesHere
	never    map[string]bool     // tasks that were reported never to run
	compared int                 // see compare
	plainIDs map[string][]string // see isLookAlike

	mended mended // what was done to the text to go on after syntax errors
	diags  []*Diagnostic
	once   map[telling]bool // what was reported: a shared anchor, or a default under many tasks, once
	failed bool             // there is an error: no plan comes of this
	cyclic bool             // a cycle was reported: nothing can be said of who is upstream of whom
}

// Parse reads a DAG file; file is its name, for messages and the default id. The diagnostics are
// all that was found, sorted; the DAG is nil only if nothing could be made of the bytes.
func Parse(file string, src []byte, o Options) (*DAG, []Diagnostic) {
	d := &DAG{
		file: file, opts: o, src: newSource(nil),
		byID: map[string]*task{}, params: map[string]*param{}, once: map[telling]bool{},
		answers: map[question]answer{}, plugins: map[string]*PluginInfo{}, shells: map[syntax.LangVariant]*syntax.Parser{}, trees: map[shellText]*syntax.File{}, never: map[string]bool{},
	}
	if !d.read(src) {
		return nil, d.found(src)
	}
	d.draft()
	for _, r := range rules {
		if d.full() {
			break
		}
		r.check(d)
	}
	found := d.found(src)
	d.seen, d.linked, d.answers, d.shells, d.trees = nil, nil, map[question]answer{}, map[syntax.LangVariant]*syntax.Parser{}, map[shellText]*syntax.File{} // all that was only for this
	return d, found
}

// read makes the tree of the bytes; false if there is none, which is then reported. The limits come
// first, in the order of their cost: size before encoding, encoding before YAML.
func (d *DAG) read(src []byte) bool {
	if len(src) > maxBytes {
		d.report(yLimit, Span{1, 1, 1, 2}, "the file is larger than 1 MiB (%d bytes)", len(src)).
			help("keep scripts and data in files beside it")
		return false
	}
	if line, col, bad := badByte(src); bad {
		d.report(yEncoding, Span{line, col, line, col + 1}, "this character is not allowed: the file must be UTF-8 text")
		return false
	}
	src, stood := standIn(src)
	d.src = newSource(src)
	d.src.stood = stood
	d.root = d.tree(src)
	d.restore()
	if d.root == nil {
		return false
	}
	if d.root.Kind != Mapping {
		d.report(sType, d.span(d.root), "a DAG file is a map with `tasks:`, this is %s", d.root.words())
		return false
	}
	d.oddities()
	d.levels()
	return !d.tooLarge()
}

// tree makes the tree of a file, nil if there is none.
func (d *DAG) tree(src []byte) *Node {
	if len(src) > pieceSize {
		if root, ok := d.byPieces(pieceSize); ok {
			return root
		}
		if d.tooMany(1, d.src.body) {
			return nil
		}
	}
	doc := d.parseYAML(src)
	if doc == nil {
		return nil
	}
	return d.plant(doc)
}

// draft fills the plan from the tree, key by key. What needs the whole file is left to the rules.
// The order matters where one part is read by the next: params and env are named by tasks, defaults
// lie under them. Numbers and durations have the language's defaults filled in here, so that a plan
// means the same whatever a later version takes for a default.
func (d *DAG) draft() {
	d.plan = machine.Plan{Format: machine.PlanFormat, File: d.file, MaxActiveRuns: 16, MaxActiveTasks: 16}
	d.top = d.fields(d.root, dagKeys, "the DAG")
	d.head()
	d.draftSchedule(d.top.get("schedule"))
	d.draftParams(d.top.get("params"))
	own := d.draftEnv(nil, d.top.get("env"), "env", true)
	for _, v := range own {
		d.envNames = append(d.envNames, v.Name)
	}
	d.plan.Env = append(d.draftAWS(nil, d.top.get("aws"), "`aws`", 0), own...)
	d.draftDefaults()
	d.draftVerdict(d.top.get("verdict"))
	d.draftTasks(d.top.get("tasks"))
	for _, hook := range []string{"on_success", "on_failure", "on_late"} {
		d.draftHook(nil, hook, d.top.get(hook))
	}
	if d.plan.Deadline != 0 && d.top.lacks("on_late") {
		d.reportAs(Warning, sMissing, d.span(d.top.key("deadline")), "`deadline` needs `on_late`: nothing happens when it passes")
	}
	if d.top.get("on_late") != nil && d.top.lacks("deadline") {
		d.reportAs(Warning, sMissing, d.span(d.top.key("on_late")), "`on_late` needs `deadline`: it would never run")
	}
}

// head reads the keys of a DAG that stand for themselves. The id falls back to the file's name, and
// then the name is what is wrong, at the file's first character: it has no other place.
func (d *DAG) head() {
	p, get := &d.plan, d.top.get
	p.DAG = stem(d.file)
	if n := get("id"); n != nil {
		if d.filled(n, "id", "text") && d.id(n, "the DAG's id", dagID) {
			p.DAG = strings.Clone(n.Text) // it may be kept for long, and must not keep the file
		}
	} else if !dagID.fits(p.DAG) || len(p.DAG) > maxID {
		d.report(nID, Span{1, 1, 1, 2}, "the file's name %q makes no id", cut(p.DAG, 60)).help("add `id:` with %s", dagID.words)
	}
	if n := get("weft"); n != nil && d.filled(n, "weft", "1") && n.Text != "1" {
		d.report(sValue, d.span(n), "`weft` must be 1, the version of this language")
	}
	p.Description, _ = d.text(get("description"), "description")
	p.Owner, _ = d.text(get("owner"), "owner")
	for _, n := range d.list(get("tags"), "tags") {
		p.Tags = append(p.Tags, n.Text)
	}
	p.Paused = d.boolean(get("paused"), "paused")
	if v, ok := d.integer(get("max_active_runs"), "max_active_runs", 1); ok {
		p.MaxActiveRuns = v
	}
	if v, ok := d.integer(get("max_active_tasks"), "max_active_tasks", 1); ok {
		p.MaxActiveTasks = v
	}
	p.Timeout, _ = d.duration(get("timeout"), "timeout", false)
	p.Deadline, _ = d.duration(get("deadline"), "deadline", false)
	d.draftHandoff(get("handoff"))
}

// report adds a diagnostic; its code says how bad it is.
func (d *DAG) report(code string, at Span, format string, args ...any) *Diagnostic {
	sev, ok := warnings[code]
	if !ok {
		sev = Error
	}
	return d.reportAs(sev, code, at, format, args...)
}

// reportAs is report for the codes that are as bad as what is known around the file makes them.
func (d *DAG) reportAs(sev Severity, code string, at Span, format string, args ...any) *Diagnostic {
	if sev == Error {
		d.failed = true
	}
	if len(d.diags) > maxProblems {
		return &Diagnostic{unseen: true}
	}
	diag := &Diagnostic{
		Code: code, Severity: sev, File: d.file, Message: cut(fmt.Sprintf(format, args...), maxMessage),
		Line: at.Line, Column: at.Col, EndLine: at.EndLine, EndColumn: at.EndCol,
	}
	// A diagnostic that nobody will see is made all the same, so that callers can chain notes onto it.
	key := telling{code, at.Line, at.Col, diag.Message}
	if d.once[key] {
		return diag
	}
	d.once[key] = true
	if len(d.diags) == maxProblems {
		d.failed = true
		diag = &Diagnostic{
			Code: yLimit, Severity: Error, File: d.file, Line: at.Line, Column: at.Col, EndLine: at.EndLine, EndColumn: at.EndCol,
			Message: fmt.Sprintf("there are more than %d problems; the others are not shown", maxProblems),
		}
	}
	d.diags = append(d.diags, diag)
	return diag
}

// full tells that nothing more is shown: what is only for that need not be looked for.
func (d *DAG) full() bool { return len(d.diags) > maxProblems }

// maxProblems bounds what a hostile file can make of a list: nobody reads more.
const maxProblems = 1000

// maxMessage bounds what a hostile file can make of a message, in characters: a key may have a million.
const maxMessage = 1000

// A telling names a diagnostic, so that it is told once.
type telling struct {
	code      string
	line, col int
	message   string
}

// Node returns the root of the tree. It is there even if the file has errors.
func (d *DAG) Node() *Node { return d.root }

// ID returns the DAG's id, as far as it could be read.
func (d *DAG) ID() string { return d.plan.DAG }

// File returns the name that the file was parsed under.
func (d *DAG) File() string { return d.file }

// Place returns where a node begins and ends on its first line.
func (d *DAG) Place(n *Node) Span { return d.span(n) }

// Plan returns the compiled DAG, sealed. It is an error if the file has any. Each call gives a plan
// of its own: it goes through the serialised form, so what is run is what would be read back from a
// store, and nobody holds a piece of the draft.
func (d *DAG) Plan() (*machine.Plan, error) {
	if d.failed {
		return nil, fmt.Errorf("cannot compile %s: it has errors", d.file)
	}
	plan, err := d.plan.Reread()
	if err != nil {
		return nil, fmt.Errorf("cannot compile %s: %w", d.file, err)
	}
	return plan, nil
}
