package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weft/machine"
	"weft/runner"
	"weft/runner/local"
)

func TestARunIsToldOfFromItsFirstUpdate(t *testing.T) {
	w := newWorld(t)
	st, err := w.client().Start(t.Context(), request(planOf(t, "d", "quick"), "r"))
	if err != nil {
		t.Fatal(err)
	}
	all := lines(t, st)
	const want = "accepted run_started quick:scheduled quick:queued quick:running quick:success run_decided run_finished"
	if got := types(all); got != want {
		t.Errorf("told\n     %s\nwant %s", got, want)
	}
	if last := all[len(all)-1]; last.Update.Summary == nil || last.Update.Summary.Tasks["quick"].State != machine.Success {
		t.Errorf("the last line is %+v", last)
	}
}

// R26: the answer is lost and the request is repeated, by many at once: one run, and each is told the same.
func TestAThousandPostsAreOneRunEach(t *testing.T) {
	w := newWorld(t)
	const ids, posts = 10, 100
	p := planOf(t, "d", "quick")
	var all sync.WaitGroup
	var mu sync.Mutex
	fresh := map[string]int{}
	clients := make([]*Client, ids)
	for i := range clients {
		clients[i] = w.client()
	}
	room := make(chan struct{}, 64)
	for i, c := range clients {
		id := fmt.Sprintf("r%d", i)
		for range posts {
			all.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				a, err := c.StartOnly(context.Background(), request(p, id))
				if err != nil || a.Run != id {
					t.Errorf("%s: %+v, %v", id, a, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if !a.Existed {
					fresh[id]++
				}
			})
		}
	}
	all.Wait()
	for i := range ids {
		id := fmt.Sprintf("r%d", i)
		w.eventually(id+" is over", func() bool { r, err := w.st.GetRun(t.Context(), id); return err == nil && r.State.Terminal() })
		if n := w.hands.starts(id + "/quick"); n != 1 || fresh[id] != 1 {
			t.Errorf("%s began %d times, and %d were told that it is new", id, n, fresh[id])
		}
	}
}

func TestAnIDThatIsAnotherDAGs(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	if _, err := c.StartOnly(t.Context(), request(planOf(t, "one", "quick"), "r")); err != nil {
		t.Fatal(err)
	}
	_, err := c.StartOnly(t.Context(), request(planOf(t, "two", "quick"), "r"))
	var p *Problem
	if !errors.As(err, &p) || p.Status != 409 || p.Text != "cannot start run r of two: a run of one has that id" || p.Hint != "choose another run id" {
		t.Errorf("told %v", err)
	}
	if _, err := c.Trigger(t.Context(), "nightly", Trigger{Run: "r"}); !errors.As(err, &p) || p.Status != 409 {
		t.Errorf("of a trigger: %v", err)
	}
}

// What another weft drives is left to it.
func TestARunThatAnotherWeftDrives(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	unlock, err := fileLocks(w).Lock("r")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	_, err = c.StartOnly(t.Context(), request(planOf(t, "d", "quick"), "r"))
	var p *Problem
	if !errors.As(err, &p) || p.Code != CodeDriven || p.Status != 409 {
		t.Errorf("told %v", err)
	}
}

func TestOrdersOfARunThatGoesOn(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	st, err := c.Start(t.Context(), request(planOf(t, "d", "slow"), "r"))
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("it runs", func() bool { return w.hands.starts("r/slow") == 1 })
	watching, err := c.Updates(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.OrderOnly(t.Context(), "r", machine.CancelAsked{By: "me", Reason: "enough"}); err != nil {
		t.Fatal(err)
	}
	for who, got := range map[string]string{"its starter": types(lines(t, st)), "who came later": types(lines(t, watching))} {
		if !strings.HasSuffix(got, "cancel_asked slow:failed run_decided run_finished") && !strings.HasSuffix(got, "slow:failed run_decided run_finished") {
			t.Errorf("%s is told %s", who, got)
		}
	}
	again, err := c.Order(t.Context(), "r", machine.CancelAsked{})
	if err != nil {
		t.Fatal(err)
	}
	if got := types(lines(t, again)); got != "accepted standing run_finished" {
		t.Errorf("who cancels what is over is told %s", got)
	}
}

// A run that is over is opened again, and driven here.
func TestARunThatIsOverIsClearedAndMarked(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	p := planOf(t, "d", "quick1", "quick2")
	body, hash := p.Encode()
	st, err := c.Start(t.Context(), request(p, "r"))
	if err != nil {
		t.Fatal(err)
	}
	lines(t, st)
	var bad *Problem
	if _, err := c.Order(t.Context(), "r", machine.Reopened{Tasks: []string{"quick1"}, Plan: strings.Repeat("0", 32), Epoch: 1}); !errors.As(err, &bad) || bad.Status != 400 {
		t.Errorf("a plan that is not kept: %v", err)
	}
	if err := w.st.PutPlan(t.Context(), hash, body); err != nil {
		t.Fatal(err)
	}
	if st, err = c.Order(t.Context(), "r", machine.Reopened{Tasks: []string{"quick1"}, Plan: hash, Epoch: 1}); err != nil {
		t.Fatal(err)
	}
	if got := types(lines(t, st)); !strings.HasPrefix(got, "accepted reopened") || !strings.HasSuffix(got, "quick1:success run_decided run_finished") {
		t.Errorf("a clear is told as %s", got)
	}
	if n := w.hands.starts("r/quick1"); n != 2 {
		t.Errorf("quick1 began %d times", n)
	}
	if st, err = c.Order(t.Context(), "r", machine.Marked{Task: "quick2", State: machine.Failed}); err != nil {
		t.Fatal(err)
	}
	all := lines(t, st)
	if last := all[len(all)-1]; last.Type != LineFinished || last.State != "failed" {
		t.Errorf("a mark is told as %s", types(all))
	}
	if _, err = c.Order(t.Context(), "r", machine.Reopened{Tasks: []string{"quick1"}, Plan: hash, Epoch: 1}); !errors.As(err, &bad) || bad.Code != CodeRefused {
		t.Errorf("an order that comes too late: %v", err)
	}
}

// The key of a scheduled run holds a slash: it is one part of the path all the same.
func TestARunWhoseKeyHoldsASlash(t *testing.T) {
	w := newWorld(t)
	req := request(planOf(t, "nightly", "quick"), "scheduled__2026-01-02T00:00:00+00:00")
	req.Type = "scheduled"
	key, err := w.eng.Start(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	st, err := w.client().Updates(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if all := lines(t, st); all[0].Run != key || all[len(all)-1].Type != LineFinished {
		t.Errorf("of %s is told %s", key, types(all))
	}
	resp, text := w.ask("GET", "/v1/runs/nightly/scheduled__2026-01-02T00:00:00+00:00/updates", nil, nil)
	if resp.StatusCode != 404 {
		t.Errorf("unescaped: %s\n%s", resp.Status, text)
	}
}

// A client that goes stops nothing, and leaves nothing behind.
func TestAClientThatGoes(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	ctx, leave := context.WithCancel(t.Context())
	st, err := c.Start(ctx, request(planOf(t, "d", "slow"), "r"))
	if err != nil {
		t.Fatal(err)
	}
	if l, err := st.Next(); err != nil || l.Type != LineAccepted {
		t.Fatal(l, err)
	}
	leave()
	w.hands.let <- struct{}{}
	w.eventually("the run is over", func() bool {
		r, err := w.st.GetRun(t.Context(), "r")
		return err == nil && r.State == machine.RunSuccess
	})
}

// Who takes updates too slowly is told where the run stands by then, and misses no end.
func TestAClientThatIsSlow(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Hub = &shallow{c.Hub.(*runner.Hub)} })
	st, err := w.client().Start(t.Context(), request(planOf(t, "d", "quick1", "quick2", "quick3", "slow"), "r"))
	if err != nil {
		t.Fatal(err)
	}
	w.hands.let <- struct{}{}
	all := lines(t, st)
	last := all[len(all)-1]
	if last.Type != LineFinished || last.Update.Summary == nil || len(last.Update.Summary.Tasks) != 4 {
		t.Errorf("told %s", types(all))
	}
	if len(all) < 20 && !strings.Contains(types(all), LineStanding) {
		t.Errorf("updates were left out, and where it stands is not said: %s", types(all))
	}
}

// shallow is a hub whose listeners are cut off at the second update that waits.
type shallow struct{ *runner.Hub }

func (s *shallow) Listen(run string, _ int) *runner.Listener { return s.Hub.Listen(run, 1) }

// A server that ends says so to who watches.
func TestAServerThatEnds(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	st, err := c.Start(t.Context(), request(planOf(t, "d", "slow"), "r"))
	if err != nil {
		t.Fatal(err)
	}
	w.eventually("it runs", func() bool { return w.hands.starts("r/slow") == 1 })
	w.srv.Stop()
	var p *Problem
	for what, err := range map[string]error{
		"a start":   second(c.StartOnly(t.Context(), request(planOf(t, "d", "quick"), "r2"))),
		"a trigger": second(c.Trigger(t.Context(), "nightly", Trigger{})),
		"a mark":    second(c.OrderOnly(t.Context(), "r", machine.Marked{Task: "slow", State: machine.Success})),
	} {
		if !errors.As(err, &p) || p.Code != CodeStopping || p.Status != 503 {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.hub.Close()
	all := lines(t, st)
	if last := all[len(all)-1]; last.Type != LineError || last.Code != CodeStopping || last.Hint != "it goes on when a server is back" {
		t.Errorf("told %s, at last %+v", types(all), last)
	}
	w.srv.Close()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	if _, err := Connect(w.home); !errors.Is(err, ErrNone) {
		t.Errorf("then there is %v", err)
	}
	w.hands.let <- struct{}{}
}

func second[T any](_ T, err error) error { return err }

func fileLocks(w *world) local.FileLocks { return local.FileLocks{Dir: filepath.Join(w.home, "runs")} }
