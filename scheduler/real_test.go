package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	wire "weft/runner/temporal"
	"weft/store"
	"weft/store/temporal"
	"weft/store/temporal/near"
	"weft/tests/temporalserver"
)

// TestNightsOnARealServer has a real Temporal server answer what near.Server answered in some nights by chance: each
// call of each server of the night, in the order of the night. So what the nights prove in virtual time holds there.
func TestNightsOnARealServer(t *testing.T) {
	nights, calls := 1, 400
	if os.Getenv("WEFT_SOAK") != "" {
		nights, calls = 20, math.MaxInt
	}
	server := temporalserver.Start(t, temporalserver.Dynamic("limit.historyCount.suggestContinueAsNew", "200"))
	c, err := client.DialContext(t.Context(), client.Options{HostPort: server.Address, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := worker.New(c, wire.Queue, worker.Options{})
	temporal.Register(w, c)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	first := rand.Uint64()
	for i := range nights {
		seed := first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			var told recorder
			synctest.Test(t, func(t *testing.T) {
				n := newNight(t, memories[1], seed)
				told.Far, n.over = n.far, &told
				n.play()
			})
			t.Logf("of %d calls", len(told.calls))
			told.calls = told.calls[:min(calls, len(told.calls))]
			real := apart{temporal.NewFar(c), fmt.Sprintf("%d-", seed)}
			for k, call := range told.calls {
				if err := call.same(t.Context(), real); err != nil {
					t.Fatalf("call %d: %v (the night is WEFT_SEED=%d)", k, err, seed)
				}
			}
		})
	}
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// A recorder writes down what a night's servers ask, and what they hear.
type recorder struct {
	temporal.Far
	mu    sync.Mutex
	calls []call
}

type call struct {
	what string
	ask  func(ctx context.Context, f temporal.Far) (any, error)
	out  any
	err  error
}

func record[T any](r *recorder, what string, ask func(ctx context.Context, f temporal.Far) (T, error)) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, err := ask(context.Background(), r.Far)
	r.calls = append(r.calls, call{what, func(ctx context.Context, f temporal.Far) (any, error) { return ask(ctx, f) }, out, err})
	return out, err
}

// same asks a real server, and compares what it says. Of a call whose answer was lost it has said it all the same.
func (c *call) same(ctx context.Context, f temporal.Far) error {
	out, err := c.ask(ctx, f)
	if errors.Is(c.err, near.ErrLost) {
		return err
	}
	for _, known := range []error{store.ErrGap, store.ErrNotFound} {
		if errors.Is(c.err, known) != errors.Is(err, known) {
			return fmt.Errorf("%s: %v here, %v there", c.what, c.err, err)
		}
	}
	if c.err != nil || err != nil {
		return nil
	}
	if here, there := plain(c.out), plain(out); !reflect.DeepEqual(here, there) {
		return fmt.Errorf("%s:\n here %v\nthere %v", c.what, here, there)
	}
	return nil
}

// plain is an answer as JSON, but for when runs were let in: that is told by the server's own clock.
func plain(v any) (out any) {
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic(err)
	}
	rows, _ := out.([]any)
	for _, row := range rows {
		if m, ok := row.(map[string]any); ok {
			delete(m, "started_at")
		}
	}
	return out
}

func (r *recorder) Claim(_ context.Context, dag string, a temporal.Claim) (temporal.Claimed, error) {
	return record(r, "claim "+dag, func(ctx context.Context, f temporal.Far) (temporal.Claimed, error) { return f.Claim(ctx, dag, a) })
}

func (r *recorder) Settle(_ context.Context, dag string, a temporal.Settle) (temporal.Settled, error) {
	return record(r, "settle "+dag, func(ctx context.Context, f temporal.Far) (temporal.Settled, error) { return f.Settle(ctx, dag, a) })
}

func (r *recorder) Arrive(_ context.Context, a wire.Arrival) (wire.Place, error) {
	return record(r, "arrive "+a.Run, func(ctx context.Context, f temporal.Far) (wire.Place, error) { return f.Arrive(ctx, a) })
}

func (r *recorder) Leave(_ context.Context, d wire.Departure) error {
	_, err := record(r, "leave "+d.Run, func(ctx context.Context, f temporal.Far) (bool, error) { return true, f.Leave(ctx, d) })
	return err
}

func (r *recorder) Kept(_ context.Context, dag string) (temporal.Kept, error) {
	return record(r, "kept "+dag, func(ctx context.Context, f temporal.Far) (temporal.Kept, error) { return f.Kept(ctx, dag) })
}

func (r *recorder) Missed(_ context.Context, dag string, n int) ([]temporal.Numbered, error) {
	return record(r, "missed "+dag, func(ctx context.Context, f temporal.Far) ([]temporal.Numbered, error) { return f.Missed(ctx, dag, n) })
}

func (r *recorder) Runs(_ context.Context, dag string, a temporal.Asked) ([]temporal.Known, error) {
	return record(r, "runs "+dag, func(ctx context.Context, f temporal.Far) ([]temporal.Known, error) { return f.Runs(ctx, dag, a) })
}

// apart is a part of a server for one night: its DAGs have a name before theirs.
type apart struct {
	temporal.Far
	name string
}

func (p apart) Claim(ctx context.Context, dag string, a temporal.Claim) (temporal.Claimed, error) {
	return p.Far.Claim(ctx, p.name+dag, a)
}

func (p apart) Settle(ctx context.Context, dag string, a temporal.Settle) (temporal.Settled, error) {
	return p.Far.Settle(ctx, p.name+dag, a)
}

func (p apart) Arrive(ctx context.Context, a wire.Arrival) (wire.Place, error) {
	dag := a.DAG
	a.DAG = p.name + dag
	return p.Far.Arrive(ctx, a)
}

func (p apart) Leave(ctx context.Context, d wire.Departure) error {
	d.DAG = p.name + d.DAG
	return p.Far.Leave(ctx, d)
}

func (p apart) Kept(ctx context.Context, dag string) (temporal.Kept, error) {
	return p.Far.Kept(ctx, p.name+dag)
}

func (p apart) Missed(ctx context.Context, dag string, n int) ([]temporal.Numbered, error) {
	return p.Far.Missed(ctx, p.name+dag, n)
}

// Runs gives the DAGs the names that they have in the night.
func (p apart) Runs(ctx context.Context, dag string, a temporal.Asked) ([]temporal.Known, error) {
	if a.DAG != "" {
		a.DAG = p.name + a.DAG
	}
	out, err := p.Far.Runs(ctx, p.name+dag, a)
	for i := range out {
		out[i].DAG = dag
	}
	return out, err
}
