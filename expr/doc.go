// Package expr says what an expression may say: its names, types and limits, how it is evaluated,
// and how a trigger is judged while some upstream tasks have not finished.
//
// Two evaluators stand here. Values (`when`, `for_each`, `${{ }}`, `until` …) run on expr-lang,
// with only the functions of the language, bounded in size and time. Triggers are judged by an
// evaluator of our own over the same syntax tree, in strong Kleene logic (S. C. Kleene,
// Introduction to Metamathematics, 1952, §64): an unfinished state is unknown, a count is an
// interval.
//
//	source ─ Split ─ parse ─ shape ─┬─ lower ─ expr-lang's compiler and VM ─ value
//	                                ├─ check (types and names, before any run)
//	                                └─ read as a trigger ─ Judge
//
// How values behave, where expr-lang or JSON would leave it open:
//
//   - A missing member of a map, an index beyond a list and any member of null are null. So
//     `tasks.a.output.x.y` is null where nothing is, and `default(…, y)` mends it.
//   - Integers are 64 bits and an overflow is an error, as is a division by zero. `/` gives a
//     number with a fraction; `%` takes integers. 5 == 5.0.
//   - `min max first last` of an empty list are null, `sum` of one is 0; `all` and `none` of one are
//     true, `any` and `one` false.
//   - `sort` and `unique` are total: null < false < true < numbers < texts < times < durations <
//     lists < maps. `sort` is stable and takes "desc" as a second argument.
//   - `date` gives UTC. Times and durations become text only where text or JSON is asked for.
//
// Absent on purpose: clocks, randomness, input and output, goroutines, any order of map iteration
// that could be seen, and every other package of this house. Values are JSON's: nil, bool, int,
// float64, string, []any, map[string]any; and, inside expressions, time.Time and time.Duration.
package expr
