// Package proc runs a process and answers for all its children: started, logged, stopped, and
// none left over.
//
// A process gets a session of its own, so that one signal reaches its group and no terminal can
// stop it. Its output goes straight into the files it is given: there is no pipe and nobody who
// copies, so a background child that keeps stdout open delays no one. When the foreground process
// has exited, what is left of its group and whatever escaped it is ended before Run returns.
//
// What escapes a group (a double fork, setsid) comes back on Linux: weft is a child subreaper, so
// the kernel hands it every orphan below it. An orphan belongs to an attempt
//
//  1. if it is in the attempt's session or process group,
//  2. else if its environment holds the attempt's marker (see Marker),
//  3. else if it has the attempt's live file open (see CreateLive),
//  4. else to nobody; then it is killed once no attempt is left that could have started it, that
//     is, none that is older than the orphan.
//
// Children of weft that stay in weft's own process group were started by other code than this
// package; they are never touched. Whoever starts a process in another way and gives it a group of
// its own would see it taken for an orphan: use Run.
//
// Absent on purpose: Pdeathsig, which fires when the thread that forked ends; a SIGCHLD handler;
// wait on any child (-1), which would steal the exit status of processes that are not ours. On
// systems other than Linux there are no subreapers: there the process group is what is ended.
package proc
