package proc

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// LiveFD is the number under which a process finds its live file. It is above what scripts use by
// hand (dash knows one digit only) and below what bash and `flock` examples pick for themselves.
const LiveFD = 19

// A Spec is a process to run.
type Spec struct {
	Argv    []string      // Argv[0] is searched in the PATH of Env unless it holds a slash; then it is relative to Dir
	Dir     string        // working directory; "" = weft's own
	Env     []string      // the whole environment, K=V
	Stdin   *os.File      // nil = /dev/null, as for the other two
	Stdout  *os.File      // inherited as it is
	Stderr  *os.File      // likewise
	Live    *os.File      // from CreateLive; nil = none. Run notes the process in it
	Grace   time.Duration // from the polite signal to the hard one when ctx ends
	Started func(pid int) // called once the process runs; pid is its process group's number too

	gate *os.File // inherited as GateFD; see Hold
}

// An Exit is how the foreground process ended.
type Exit struct {
	Code    int            // -1 if a signal ended it
	Signal  syscall.Signal // 0 if it exited by itself
	Stopped bool           // the context had ended before the process did
}

// String says how the process ended: "exited with status 3", "killed by signal 9 (SIGKILL)".
func (e Exit) String() string {
	if e.Signal == 0 {
		return fmt.Sprintf("exited with status %d", e.Code)
	}
	if name := unix.SignalName(e.Signal); name != "" {
		return fmt.Sprintf("killed by signal %d (%s)", int(e.Signal), name)
	}
	return fmt.Sprintf("killed by signal %d", int(e.Signal))
}

// markerNames are the variables that together name one attempt of one weft. WEFT_TMPDIR is among
// them because two wefts on a machine may well run the same DAG for the same date.
var markerNames = []string{"WEFT_RUN_ID=", "WEFT_IDEMPOTENCY_KEY=", "WEFT_ATTEMPT=", "WEFT_TMPDIR="}

// Marker picks from an environment the entries by which a process of the attempt is recognised.
// It is nil unless all of them are there: half a name could name someone else.
func Marker(env []string) []string {
	found := make([]string, len(markerNames))
	for _, kv := range env {
		for i, name := range markerNames {
			if strings.HasPrefix(kv, name) && len(kv) > len(name) {
				found[i] = kv
			}
		}
	}
	for _, kv := range found {
		if kv == "" {
			return nil
		}
	}
	return found
}
