package temporal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"weft/store"
	kept "weft/store/temporal"
	"weft/tests/temporalserver"
)

// TestMain is a server instead of the tests, where it is told so.
func TestMain(m *testing.M) {
	if address := os.Getenv("WEFT_TEST_LEADER"); address != "" {
		if err := aServer(address, os.Getenv("WEFT_TEST_NAME")); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// aServer stands by and leads until SIGTERM. While it leads it settles without a pause who it is.
func aServer(address, name string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := client.Dial(client.Options{HostPort: address, Logger: silent{}})
	if err != nil {
		return err
	}
	defer c.Close()
	return kept.Lead(ctx, c, name, nil, func(ctx context.Context, t *kept.Term) error {
		fmt.Println("leads", t.Token, t.Was.UnixMilli())
		defer fmt.Println("ends", t.Token)
		s := kept.New(kept.Options{Far: kept.NewFar(c), Token: t.Token, Held: t.Held})
		if _, err := s.Scheduled(ctx); err != nil {
			return err
		}
		for ctx.Err() == nil {
			err := s.Settle(ctx, &store.Changes{DAGs: []store.DAG{{ID: "led", FirstSeen: noon, PausedBy: name}}})
			switch {
			case errors.Is(err, store.ErrGap):
				fmt.Println("refused", t.Token)
				<-ctx.Done()
				return nil
			case err == nil:
				t.Beat(time.Now())
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
		return nil
	})
}

// A standing is a server in a process of its own.
type standing struct {
	*testing.T
	cmd  *exec.Cmd
	says chan string
}

func stands(t *testing.T, address, name string) *standing {
	t.Helper()
	s := &standing{T: t, cmd: exec.Command(os.Args[0]), says: make(chan string, 100)}
	s.cmd.Env = append(os.Environ(), "WEFT_TEST_LEADER="+address, "WEFT_TEST_NAME="+name)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			s.says <- lines.Text()
		}
		close(s.says)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
	return s
}

// hears waits for a line with that beginning, and tells how long that took and the numbers in it.
func (s *standing) hears(word string, within time.Duration) (took time.Duration, nums [2]int64) {
	s.Helper()
	from, limit := time.Now(), time.After(within)
	for {
		select {
		case line, more := <-s.says:
			if rest, is := strings.CutPrefix(line, word+" "); is {
				_, _ = fmt.Sscan(rest, &nums[0], &nums[1])
				return time.Since(from), nums
			}
			if !more || strings.HasPrefix(line, "failed") {
				s.Fatalf("waiting for %q: it said %q", word, line)
			}
		case <-limit:
			s.Fatalf("it did not say %q within %s", word, within)
		}
	}
}

func (s *standing) signal(sig os.Signal) {
	s.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.Fatal(err)
	}
}

// TestOneOfSeveralServersLeads is R07 on Temporal: one leads; if it ends, dies or is stopped, another takes over; one that
// comes back does no harm.
func TestOneOfSeveralServersLeads(t *testing.T) {
	t.Parallel()
	server := temporalserver.Start(t)
	c := dial(t, server.Address)
	works(t, c, time.Minute)
	far := kept.NewFar(c)
	who := func() string {
		k, err := far.Kept(t.Context(), "led")
		if err != nil {
			return err.Error()
		}
		return k.DAG.PausedBy
	}

	a := stands(t, server.Address, "a")
	_, first := a.hears("leads", 20*time.Second)
	if was := first[1]; was != (time.Time{}).UnixMilli() {
		t.Errorf("before the first leader a server was alive at %d", was)
	}
	settles := func(name string) {
		t.Helper()
		eventually(t, name+" settles, and has said so", func() bool { return who() == name && said(t, c) == name })
	}
	settles("a")
	if who, err := kept.Leader(t.Context(), c); !strings.HasPrefix(who, fmt.Sprint(a.cmd.Process.Pid, "@")) || err != nil {
		t.Errorf("%q leads, they say; %v", who, err)
	}
	if os.Getenv("WEFT_RECORD") != "" {
		record(t, c, kept.LeaderID)
	}
	b := stands(t, server.Address, "b")

	a.signal(syscall.SIGTERM)
	asked := time.Now()
	took, second := b.hears("leads", 15*time.Second)
	t.Logf("after SIGTERM another server leads in %s", took.Round(time.Millisecond))
	if took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	ahead(t, first, second, asked)
	settles("b")

	d := stands(t, server.Address, "d")
	eventually(t, "d stands by", func() bool { return pollers(t, c) > 1 })
	b.signal(syscall.SIGKILL)
	killed := time.Now()
	took, third := d.hears("leads", 20*time.Second)
	t.Logf("after kill -9 another server leads in %s", took.Round(time.Millisecond))
	if took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	ahead(t, second, third, killed)
	settles("d")

	e := stands(t, server.Address, "e")
	eventually(t, "e stands by", func() bool { return pollers(t, c) > 1 })
	d.signal(syscall.SIGSTOP)
	stopped := time.Now()
	took, fourth := e.hears("leads", 20*time.Second)
	t.Logf("after SIGSTOP another server leads in %s", took.Round(time.Millisecond))
	ahead(t, third, fourth, stopped)
	settles("e")
	d.signal(syscall.SIGCONT)
	d.hears("ends", 15*time.Second)
	for range 20 {
		if now := who(); now != "e" {
			t.Fatalf("after it came back the old leader settled: %s", now)
		}
		time.Sleep(20 * time.Millisecond) // a stretch in which it could
	}
}

// ahead checks that a term comes after another, and knows when a server was alive.
func ahead(t *testing.T, before, after [2]int64, ended time.Time) {
	t.Helper()
	if after[0] <= before[0] {
		t.Errorf("token %d comes after %d", after[0], before[0])
	}
	if lag := ended.Sub(time.UnixMilli(after[1])); lag > 5*time.Second || lag < -5*time.Second {
		t.Errorf("a server was alive until %s, it is told %s before", ended, lag)
	}
}

// said is which server's heartbeat the Temporal server heard last; "" if that told of nothing done in these seconds.
func said(t *testing.T, c client.Client) string {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(t.Context(), kept.LeaderID, "")
	if err != nil || len(d.GetPendingActivities()) == 0 {
		return ""
	}
	var beat struct {
		Server string    `json:"server"`
		Was    time.Time `json:"was"`
	}
	if err := converter.GetDefaultDataConverter().FromPayloads(d.GetPendingActivities()[0].GetHeartbeatDetails(), &beat); err != nil || time.Since(beat.Was) > 3*time.Second {
		return ""
	}
	return beat.Server
}

// pollers is how many servers wait for their turn, or lead.
func pollers(t *testing.T, c client.Client) int {
	t.Helper()
	d, err := c.DescribeTaskQueue(t.Context(), kept.ServeQueue, 1) // of workflows: a leader polls for these, too
	if err != nil {
		t.Fatal(err)
	}
	return len(d.GetPollers())
}
