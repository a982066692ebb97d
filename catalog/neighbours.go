package catalog

import "weft/spec"

// Neighbours tells what is wrong between files: DAGs and tasks that do not exist, params that do not fit,
// DAGs that wait for each other. whole tells that the findings are of all files that there are.
func Neighbours(all []Finding, whole bool) []spec.Diagnostic {
	near := make([]spec.Neighbour, len(all))
	for i, f := range all {
		near[i] = spec.Neighbour{File: f.File, ID: f.ID, Broken: f.Failed(), Links: f.Links}
	}
	return spec.CheckNeighbours(near, whole)
}
