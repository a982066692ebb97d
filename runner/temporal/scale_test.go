package temporal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"weft/machine"
	"weft/tests/temporalserver"
)

// checked keeps what is large out of histories, as the claim check on the handoff does, in memory.
type checked struct{ kept sync.Map }

const claimed = "test/claim"

func (c *checked) Encode(list []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(list))
	for i, p := range list {
		if out[i] = p; len(p.Data) > 2048 {
			sum := sha256.Sum256(p.Data)
			name := hex.EncodeToString(sum[:])
			c.kept.Store(name, p)
			out[i] = &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(claimed)}, Data: []byte(name)}
		}
	}
	return out, nil
}

func (c *checked) Decode(list []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(list))
	for i, p := range list {
		if out[i] = p; string(p.Metadata["encoding"]) == claimed {
			kept, ok := c.kept.Load(string(p.Data))
			if !ok {
				return nil, errors.New("a claim is gone")
			}
			out[i] = kept.(*commonpb.Payload)
		}
	}
	return out, nil
}

// large dials a server of its own for runs of many tasks, and staffs it.
func large(t *testing.T, c *crew) client.Client {
	t.Helper()
	srv := temporalserver.Start(t)
	cl, err := client.Dial(client.Options{
		HostPort: srv.Address, Logger: quiet{}, Identity: "test",
		DataConverter: converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), &checked{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	c.staff(t, cl)
	return cl
}

// many is n, or what WEFT_SOAK_SIZE says.
func many(t *testing.T, n int) int {
	t.Helper()
	if os.Getenv("WEFT_SOAK") == "" {
		t.Skip("WEFT_SOAK=1 runs it")
	}
	if size, err := strconv.Atoi(os.Getenv("WEFT_SOAK_SIZE")); err == nil {
		return size
	}
	return n
}

// measured runs a plan to its end and says what it took.
func measured(t *testing.T, cl client.Client, p *machine.Plan, units int) {
	t.Helper()
	began := time.Now()
	w := start(t, cl, input(p, "large"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	if err := w.Get(ctx, nil); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	n, bytes := events(t, cl, w.GetID())
	pieces := len(executions(t, cl, w.GetID()))
	inBatches, batchBytes, batches := 0, int64(0), 0
	for misses := 0; misses < 3; batches++ {
		if _, err := cl.DescribeWorkflowExecution(t.Context(), batchID(w.GetID(), batches+1), ""); err != nil {
			misses++
			continue
		}
		e, b := events(t, cl, batchID(w.GetID(), batches+1))
		inBatches, batchBytes = inBatches+e, batchBytes+b
	}
	t.Logf("%d in %v, %.0f a second; %d executions, %d batches; %.2f events and %.0f bytes of history each, %.2f and %.0f of them in batches",
		units, took.Round(time.Millisecond), float64(units)/took.Seconds(), pieces, batches-3,
		float64(n+inBatches)/float64(units), float64(bytes+batchBytes)/float64(units), float64(inBatches)/float64(units), float64(batchBytes)/float64(units))
	if each := float64(n+inBatches) / float64(units); each > 10 {
		t.Errorf("%.1f events each are too many", each)
	}
}

// TestTenThousandTasks: a run of ten thousand tasks ends, in several executions.
func TestTenThousandTasks(t *testing.T) {
	size := many(t, 10000)
	var tasks []machine.Task
	for i := range size {
		task := machine.Task{ID: fmt.Sprintf("t%05d", i)}
		if i >= 100 {
			task.Needs = []string{tasks[i-100].ID}
		}
		tasks = append(tasks, task)
	}
	p := plan(t, func(p *machine.Plan) { p.MaxActiveTasks = 32 }, tasks...)
	measured(t, large(t, newCrew(t, p)), p, size)
}

// TestFiveThousandInstances: a task mapped over five thousand elements ends, all at once.
func TestFiveThousandInstances(t *testing.T) {
	size := many(t, 5000)
	list := make([]int, size)
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	p := plan(t, func(p *machine.Plan) { p.MaxActiveTasks = 0 }, machine.Task{ID: "m", ForEach: &machine.ForEach{List: b}})
	measured(t, large(t, newCrew(t, p)), p, size)
}

// TestThousandSensors: what a thousand sensors cost does not grow with how often they are asked.
func TestThousandSensors(t *testing.T) {
	size := many(t, 1000)
	list := make([]int, size)
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	p := plan(t, nil, machine.Task{ID: "s", ForEach: &machine.ForEach{List: b}, Sensor: sensor(func(s *machine.Sensor) { s.PokeInterval = sec })})
	c := newCrew(t, p)
	polls, asked := 0, 100
	if n, err := strconv.Atoi(os.Getenv("WEFT_SOAK_POLLS")); err == nil {
		asked = n
	}
	c.poke = func(_ machine.Order, n int) (machine.Outcome, bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		polls++
		return machine.Outcome{State: ok}, n >= asked
	}
	measured(t, large(t, c), p, size)
	t.Logf("%d polls", polls)
}
