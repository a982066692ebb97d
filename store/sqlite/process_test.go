package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// batch is how many records each append of the processes has: all or none must be there.
const batch = 3

// appendForever appends to run "r" in folder args[0] and tells each time, on stdout, the last seq
// that is durable.
func appendForever(args []string) error {
	s, err := Open(args[0])
	if err != nil {
		return err
	}
	have, err := s.Read(context.Background(), "r")
	if err != nil {
		return err
	}
	for seq := len(have) + 1; ; seq += batch {
		if err := appended(s, "r", recs(seq, batch)); err != nil {
			return err
		}
		if _, err := fmt.Println(seq + batch - 1); err != nil {
			return err
		}
	}
}

// What was told to be durable is there after a kill -9, and no append in part.
func TestKilledProcessLosesNothing(t *testing.T) {
	rnd := seeded(t)
	dir := t.TempDir()
	s := open(t, dir)
	fine(t, s.Create(t.Context(), aRun("r"), nil))
	fine(t, s.Close())
	for range often(5, 200) {
		acked := killed(t, dir, 1+rnd.IntN(60), time.Duration(rnd.IntN(2000))*time.Microsecond)
		s := open(t, dir)
		got, err := s.Read(t.Context(), "r")
		fine(t, err)
		if len(got) < acked || len(got)%batch != 0 {
			t.Fatalf("%d records were acknowledged, %d are there", acked, len(got))
		}
		fine(t, s.Close())
	}
}

// killed lets a process append until it has told so many times, and a little longer.
func killed(t *testing.T, dir string, tellings int, longer time.Duration) (acked int) {
	t.Helper()
	cmd := process("append forever", dir)
	out, err := cmd.StdoutPipe()
	fine(t, err)
	fine(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ { // to the end of the pipe: what was told before the kill counts
		if acked, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if n+1 == tellings {
			time.AfterFunc(longer, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process ended by itself: %v", err)
	}
	return acked
}

// appendMany makes run args[1] in folder args[0] and appends args[2] times.
func appendMany(args []string) error {
	s, err := Open(args[0])
	if err != nil {
		return err
	}
	if err := s.Create(context.Background(), aRun(args[1]), nil); err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	for i := 0; i < n && err == nil; i++ {
		err = appended(s, args[1], recs(i*batch+1, batch))
	}
	if err != nil {
		return err
	}
	return s.Close()
}

// Processes that write one file at once all get through.
func TestProcessesShareAFolder(t *testing.T) {
	const processes = 3
	each := often(100, 2000)
	dir := t.TempDir() // fresh: they race to make the database too
	ends := make(chan error, processes)
	for i := range processes {
		cmd := process("append many", dir, fmt.Sprintf("run-%d", i), strconv.Itoa(each))
		cmd.Stdout = os.Stdout
		fine(t, cmd.Start())
		go func() { ends <- cmd.Wait() }()
	}
	for range processes {
		fine(t, <-ends)
	}
	s := open(t, dir)
	for i := range processes {
		got, err := s.Read(t.Context(), fmt.Sprintf("run-%d", i))
		fine(t, err)
		if len(got) != each*batch {
			t.Errorf("run %d has %d records, want %d", i, len(got), each*batch)
		}
	}
}
