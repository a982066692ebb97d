//go:build !linux

package python

// memoryFile makes none here: there is no path to a file in memory.
func memoryFile(string) (path string, release func(), err error) { return "", nil, nil }
