package temporal

import (
	"cmp"
	"maps"
	"slices"

	"weft/machine"
)

// What a workflow does must not hang on the order in which Go walks a map: maps are walked by these alone.

func sortedKeys[V any](m map[machine.Key]V) []machine.Key {
	return slices.SortedFunc(maps.Keys(m), machine.Key.Compare)
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
