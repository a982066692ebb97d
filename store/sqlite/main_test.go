package sqlite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"weft/machine"
	"weft/store"
)

// roles are what this test binary does as a process of its own: WEFT_TEST_ROLE names one.
var roles = map[string]func(args []string) error{
	"append forever": appendForever,
	"append many":    appendMany,
}

func TestMain(m *testing.M) {
	role := os.Getenv("WEFT_TEST_ROLE")
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process makes, not yet started, a process with a role.
func process(role string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "WEFT_TEST_ROLE="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// seeded returns chance whose seed is printed; WEFT_SEED repeats a run.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("WEFT_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("WEFT_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// often is how many rounds a test goes: more in the soak.
func often(ordinary, soak int) int {
	if os.Getenv("WEFT_SOAK") == "1" {
		return soak
	}
	return ordinary
}

var day = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func aRun(id string) store.Run {
	return store.Run{ID: id, DAG: "d", Type: "manual", LogicalDate: day, State: machine.RunRunning, CreatedAt: day}
}

// recs numbers n events from seq on, each another.
func recs(seq, n int) []store.Record {
	out := make([]store.Record, n)
	for i := range out {
		out[i].Seq = uint64(seq + i)
		out[i].Event = machine.Event{At: day, Fact: machine.TimerFired{Timer: strconv.Itoa(seq + i)}}
	}
	return out
}

// appended waits for an append's answer.
func appended(s *Store, run string, recs []store.Record) error {
	answer := make(chan error, 1)
	s.Append(run, recs, nil, func(err error) { answer <- err })
	return <-answer
}

func fine(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
