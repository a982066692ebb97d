// Package rehearse plays runs without doing anything: `weft test`. A case of a test file says how each
// task goes and what shall become of the run; the engine itself (runner/local's Core over the machine)
// plays it in virtual time, and the executor itself (package runner) renders what a task is given and
// judges what it gives. Only the plugins are played: theirs are the effects. So what is tested is what
// runs, with nothing written a second time.
//
// No process is started, no file written, nothing asked of any network, whatever a DAG says.
package rehearse
