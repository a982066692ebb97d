package rehearse

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"weft/spec"
)

// givenInstances tells of instances of which a case gives something and which its run has not: such a case would
// test nothing. Of a task that has none at all nothing is said, as of others that do not run.
func (k *checker) givenInstances() {
	for _, id := range slices.Sorted(maps.Keys(k.r.Case.Given)) {
		g, t := k.r.Case.Given[id], k.r.Run.Plan().Task(id)
		have := k.r.Summary.Tasks[id].Instances
		if t == nil || len(g.Named) == 0 || len(have) == 0 {
			continue
		}
		inOrder := func(a, b string) int {
			return cmp.Or(g.Named[a].Line-g.Named[b].Line, g.Named[a].Col-g.Named[b].Col)
		}
		for _, name := range slices.SortedFunc(maps.Keys(g.Named), inOrder) {
			if _, ok := k.r.index(id, name); ok || k.r.mayBeKey(id, name) {
				continue
			}
			d := k.report(spec.CaseFails, g.Named[name], fmt.Sprintf("%q has no instance %s: it has %d", id, name, len(have)), "given for nothing")
			k.point(d, t.Pos, "it is here")
			d.Notes = append(d.Notes, spec.Note{Kind: "help", Text: "instances are named by their index, from 0, or by the key of a map"})
		}
	}
}

// mayBeKey tells whether a name may be the key of an instance that never began: of such nobody knows its key here.
func (r *Record) mayBeKey(id, name string) bool {
	if _, err := strconv.Atoi(name); err == nil {
		return false
	}
	for _, in := range r.Summary.Tasks[id].Instances {
		if len(r.attempts[taskKey{id, in.Index}]) == 0 {
			return true
		}
	}
	return false
}
