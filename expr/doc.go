// Package expr says what an expression may say: its names, types and limits, how it is evaluated,
// and how a trigger is judged while some upstream tasks have not finished.
//
// Two evaluators stand here. Values (`when`, `for_each`, `${{ }}`, `until` …) run on expr-lang,
// with only the functions of the language, bounded in size and time. Triggers are judged by an
// evaluator of our own over the same syntax tree, in strong Kleene logic (S. C. Kleene,
// Introduction to Metamathematics, 1952, §64): an unfinished state is unknown, a count is an
// interval.
//
// Absent on purpose: clocks, randomness, input and output, goroutines, any order of map iteration
// that could be seen, and every other package of this house. Values are JSON's: nil, bool, int,
// float64, string, []any, map[string]any; and, inside expressions, time.Time and time.Duration.
package expr
