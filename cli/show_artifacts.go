package cli

import (
	"fmt"
	"text/tabwriter"

	"weft/machine"
)

// showArtifacts lists what the tasks of a run have left in the handoff; nothing where they left nothing.
func (e *env) showArtifacts(p *machine.Plan, sum machine.Summary) error {
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	shown := false
	list := func(task string, artifacts []machine.Artifact) {
		for _, a := range artifacts {
			if !shown {
				fmt.Fprint(e.stdout, "\n")
				fmt.Fprintln(w, "ARTIFACT\tBYTES\tURI")
				shown = true
			}
			fmt.Fprintf(w, "%s.%s\t%d%s\t%s\n", task, a.Name, a.Size, inFiles(a), a.URI)
		}
	}
	for _, id := range taskOrder(p, sum) {
		t := sum.Tasks[id]
		list(id, t.Artifacts)
		for _, in := range t.Instances {
			list(fmt.Sprintf("%s[%d]", id, in.Index), in.Artifacts)
		}
	}
	return w.Flush()
}

// inFiles tells a folder from a file, and how much it is.
func inFiles(a machine.Artifact) string {
	switch {
	case !a.Folder():
		return ""
	case a.Files == 1:
		return " in 1 file"
	}
	return fmt.Sprintf(" in %d files", a.Files)
}
