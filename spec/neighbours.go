package spec

import (
	"fmt"
	"slices"
	"strings"

	"weft/expr"
	"weft/schema"
)

// A Neighbour is a file among others that are checked with it.
type Neighbour struct {
	File   string
	ID     string // "" = nothing could be made of the file
	Broken bool   // it has errors: what it says of itself may not be all
	Links  *Links // nil = nothing is known
}

// NeighbourCodes are the codes of what CheckNeighbours finds.
var NeighbourCodes = []string{gNoDAG, gDAGCycle, gDAGParams}

// CheckNeighbours holds what files say of each other's DAGs against those. whole tells that there are no
// others: only then a DAG that no file has is missing. It is silent about a DAG whose own file is broken.
func CheckNeighbours(all []Neighbour, whole bool) []Diagnostic {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Neighbour) int { return strings.Compare(a.File, b.File) })
	n := neighbours{byID: map[string]int{}, all: all}
	for i, f := range all {
		id := f.ID
		if id == "" {
			id = stem(f.File)
		}
		if _, twice := n.byID[id]; !twice {
			n.byID[id] = i
			n.ids = append(n.ids, id)
		}
	}
	for _, f := range all {
		if f.Links == nil {
			continue
		}
		for _, c := range f.Links.Calls {
			if at, known := n.byID[c.DAG]; known {
				n.call(f, c, all[at])
			} else if whole {
				n.report(gNoDAG, f.File, c.At, "there is no DAG %q", c.DAG).meant(c.DAG, n.ids)
			}
		}
	}
	n.cycles()
	found := sorted(n.found)
	slices.SortStableFunc(found, func(a, b Diagnostic) int { return strings.Compare(a.File, b.File) })
	return found
}

// meant adds "did you mean" without a fix: other files decide whether it is one.
func (d *Diagnostic) meant(word string, legal []string) *Diagnostic {
	d.suggest(word, legal)
	d.was, d.now = "", ""
	d.Notes = slices.DeleteFunc(d.Notes, func(n Note) bool { return n.Kind == "fix" })
	return d
}

type neighbours struct {
	all   []Neighbour
	byID  map[string]int
	ids   []string
	found []*Diagnostic
}

func (n *neighbours) report(code, file string, at Span, format string, args ...any) *Diagnostic {
	d := &Diagnostic{
		Code: code, Severity: Error, File: file, Message: cut(fmt.Sprintf(format, args...), maxMessage),
		Line: at.Line, Column: at.Col, EndLine: at.EndLine, EndColumn: at.EndCol,
	}
	n.found = append(n.found, d)
	return d
}

// call holds a call against the DAG that it names.
func (n *neighbours) call(f Neighbour, c Call, of Neighbour) {
	if of.Broken || of.Links == nil {
		return
	}
	if c.Task != "" {
		for _, id := range of.Links.Tasks {
			if id == c.Task {
				return
			}
		}
		n.report(gNoDAG, f.File, c.Of, "DAG %q has no task %q", c.DAG, c.Task).meant(c.Task, of.Links.Tasks)
	}
	if c.Uses == dagRun && c.GivenAt != (Span{}) {
		n.params(f, c, of)
	}
}

// params holds the params that a dag.run gives against those that the DAG has.
func (n *neighbours) params(f Neighbour, c Call, of Neighbour) {
	declared, names := map[string]LinkedNeed{}, make([]string, 0, len(of.Links.Params))
	for _, p := range of.Links.Params {
		declared[p.Name] = p
		names = append(names, p.Name)
	}
	given := map[string]bool{}
	for _, g := range c.Given {
		given[g.Name] = true
		p, ok := declared[g.Name]
		if !ok {
			n.report(gDAGParams, f.File, g.At, "DAG %q has no param %q", c.DAG, g.Name).meant(g.Name, names)
			for _, near := range nearest(g.Name, names) {
				given[near] = true // that it is missing follows
			}
			continue
		}
		for _, text := range misfits(p, g) {
			n.report(gDAGParams, f.File, g.At, "param %q of DAG %q %s", g.Name, c.DAG, text)
		}
	}
	var missing []string
	for _, p := range of.Links.Params {
		if !p.Optional && !given[p.Name] {
			missing = append(missing, p.Name)
		}
	}
	switch len(missing) {
	case 0:
	case 1:
		n.report(gDAGParams, f.File, c.GivenAt, "DAG %q needs the param %q, which is not given", c.DAG, missing[0]).
			help("give it: `params: {%s: …}`", missing[0])
	default:
		n.report(gDAGParams, f.File, c.GivenAt, "DAG %q needs the params %s, which are not given", c.DAG, joinWords(quoted(missing))).
			help("give them: `params: {%s: …}`", strings.Join(missing, ": …, "))
	}
}

// misfits says what is wrong with a value that stands in the file.
func misfits(p LinkedNeed, g LinkedParam) (texts []string) {
	if g.Value == nil {
		return nil
	}
	v, err := expr.DecodeJSON(g.Value)
	if err != nil {
		return nil
	}
	c, err := schema.Compile(p.Schema)
	if err != nil {
		return nil // reported where it stands
	}
	for _, viol := range c.Check(v) {
		texts = append(texts, ofPathPrefix(viol.Path)+viol.Message)
	}
	return texts
}

// cycles reports DAGs that start each other, each waiting for the end of the next: no run of any of them
// ever ends.
func (n *neighbours) cycles() {
	g := make([][]edge, len(n.all))
	for i, f := range n.all {
		if f.Links == nil || f.ID == "" || n.byID[f.ID] != i {
			continue
		}
		for _, c := range f.Links.Calls {
			to, known := n.byID[c.DAG]
			switch {
			case !known || !c.Waits:
			case to == i:
				n.report(gDAGCycle, f.File, c.At, "DAG %q starts itself and waits for the end of that run: none ever ends", f.ID).
					help("%s", cycleHelp)
			default:
				g[i] = append(g[i], edge{to: to, at: c.At})
			}
		}
	}
	for _, group := range components(g) {
		if len(group) > 1 {
			n.cycle(g, shortestCycle(g, group))
		}
	}
}

const cycleHelp = "leave out `wait: true` in one of them, or say by `when` when it ends"

// cycle reports a cycle at its first call; the others are related places.
func (n *neighbours) cycle(g [][]edge, cycle []int) {
	names := make([]string, 0, len(cycle)+1)
	for _, v := range cycle {
		names = append(names, fmt.Sprintf("%q", n.all[v].ID))
	}
	names = append(names, names[0])
	var diag *Diagnostic
	for i, v := range cycle {
		to := cycle[(i+1)%len(cycle)]
		for _, e := range g[v] {
			if e.to != to {
				continue
			}
			file := n.all[v].File
			if diag == nil {
				diag = n.report(gDAGCycle, file, e.at, "these DAGs start each other and wait: %s", strings.Join(names, " → ")).
					label("%s waits for %s", names[i], names[i+1]).help("%s", cycleHelp)
			} else {
				diag.Related = append(diag.Related, Related{File: file, Line: e.at.Line, Column: e.at.Col, Text: fmt.Sprintf("%s waits for %s", names[i], names[i+1])})
			}
			break
		}
	}
}
