package machine

import "strings"

// An Artifact is a file or folder of a task that lies in the handoff. Of a folder only this much is
// kept with the run, however many files it has: URI ends in a slash, Size is that of all files
// together, and SHA256 is that of its manifest, which names each file (package handoff).
type Artifact struct {
	Name string `json:"name"`
	Ref
	Files      int  `json:"files,omitempty"`      // of a folder: how many
	Executable bool `json:"executable,omitempty"` // of a file; those of a folder stand in its manifest
}

// Folder tells whether the artifact is a folder.
func (a Artifact) Folder() bool { return strings.HasSuffix(a.URI, "/") }

// Value is the artifact as expressions see it: {uri, size, sha256}, of a folder with files.
func (a Artifact) Value() map[string]any {
	v := map[string]any{"uri": a.URI, "size": int(a.Size), "sha256": a.SHA256}
	if a.Folder() {
		v["files"] = a.Files
	}
	if a.Executable {
		v["executable"] = true
	}
	return v
}

// artifactValues is `artifacts` of one success: a map by name; null where there are none.
func artifactValues(list []Artifact) any {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]any, len(list))
	for _, a := range list {
		m[a.Name] = a.Value()
	}
	return m
}

// artifacts is `tasks.X.artifacts`: of a mapped task each name's list in the order of the
// instances, null where one has none.
func (v TaskView) artifacts() any {
	if !v.Mapped {
		return artifactValues(v.Artifacts)
	}
	if len(v.Declared) == 0 {
		return nil
	}
	m := make(map[string]any, len(v.Declared))
	for _, name := range v.Declared {
		m[name] = make([]any, len(v.Instances))
	}
	for k := range v.Instances {
		for _, a := range v.Instances[k].Artifacts {
			if list, ok := m[a.Name].([]any); ok { // the plan may have dropped a name since
				list[k] = a.Value()
			}
		}
	}
	return m
}

// declared are the names of a task's artifacts under the plan in force.
func (r *Run) declared(id string) []string {
	i, ok := r.plan.index[id]
	if !ok || len(r.plan.Tasks[i].Artifacts) == 0 {
		return nil
	}
	names := make([]string, len(r.plan.Tasks[i].Artifacts))
	for k, a := range r.plan.Tasks[i].Artifacts {
		names[k] = a.Name
	}
	return names
}

func (c *codec) artifact(a *Artifact) {
	text(c, &a.Name)
	c.ref(&a.Ref)
	num(c, &a.Files)
	c.flag(&a.Executable)
}
