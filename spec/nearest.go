package spec

// Nearest returns the names that a word may have meant, the nearest first, at most three: the rule
// of "did you mean" in diagnostics, for whoever else is given a wrong name.
func Nearest(word string, names []string) []string { return nearest(word, names) }
