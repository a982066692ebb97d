package runner

// ReadsOutput tells whether a source (an expression, a template, a JSON text that holds some) may read
// the output of a task. It errs towards yes.
func ReadsOutput(source, task string) bool { return readsOutput(source, task) }
