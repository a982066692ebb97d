// Package sim runs the machine and the local engine in virtual time, with faults: random DAGs, a
// disk that stalls, fails and tears, a weft that is killed at any input or output, processes that
// hang, ignore their stop, report late or twice, and outlive the weft that started them.
//
// One thread owns everything: a heap of virtual events and one source of chance, so that a seed is
// a story that repeats itself to the byte. What happened is judged by what lies outside the crash:
//
//   - the ledger, in which each process writes its own start and end;
//   - the ghost of each run, a machine stepped on what the disk has acknowledged and nothing else;
//   - the oracle, section 5 of the language written a second time, as a plain switch.
//
// The promises checked are 0 lost, 0 doubled, 0 stuck, 0 untrue (docs: promises, R01). That the
// checks see anything is itself tested: bugs.go plants bugs one at a time (R00).
package sim
