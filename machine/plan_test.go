package machine

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestPlanRoundTrip: what Encode writes DecodePlan reads, to the same plan of the same name.
func TestPlanRoundTrip(t *testing.T) {
	for seed := range uint64(200) {
		p := randomPlan(rand.New(rand.NewPCG(seed, 5)))
		if err := p.Seal(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		body, hash := p.Encode()
		back, err := DecodePlan(body)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(p, back) {
			t.Fatalf("seed %d: a plan comes back as another:\n%s", seed, body)
		}
		if own, err := p.Reread(); err != nil || !reflect.DeepEqual(own, back) {
			t.Fatalf("seed %d: read again it is another: %v\n%s", seed, err, body)
		}
		if again, sameHash := back.Encode(); !bytes.Equal(again, body) || sameHash != hash || len(hash) != 32 {
			t.Fatalf("seed %d: it was named %s and is named %s", seed, hash, sameHash)
		}
	}
}

func TestPlanRefused(t *testing.T) {
	for _, c := range []struct{ body, says string }{
		{`{"format":2}`, "cannot read plan: format 2, this weft knows up to 1"},
		{`{}`, "cannot read plan: format 0"},
		{`{"format":1,"dag":"d","tasks":[{"id":"a"},{"id":"a"}]}`, `task "a" stands in it twice`},
		{`{"format":1,"dag":"d","tasks":[{"id":"a","needs":["b"]}]}`, `task "a" needs "b", which does not exist`},
		{`{"format":1,"dag":"d","tasks":[{"id":"a","needs":["a"]}]}`, "its tasks form a cycle"},
		{`{"format":1,"dag":"d","tasks":[{"id":"a","refs":["b"]},{"id":"b","needs":["a"]}]}`, "its tasks form a cycle"},
		{`{"format":1,"timeout":"soon"}`, "cannot read plan: "},
		{`null`, "cannot read plan: "},
	} {
		if _, err := DecodePlan([]byte(c.body)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s is read with %v, want %s", c.body, err, c.says)
		}
	}
}

func TestPlanLookUps(t *testing.T) {
	p := &Plan{
		Format: 1, DAG: "d",
		Tasks: []Task{
			{ID: "last", Needs: []string{"b"}, Refs: []string{"a", "b"}},
			{ID: "a", OnFailure: []Task{{ID: "tell"}}},
			{ID: "b", Needs: []string{"a"}},
		},
		OnFailure: []Task{{ID: "mail"}}, OnLate: []Task{{ID: "page"}},
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	if got := p.Upstream("last"); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("upstream of last, in file order and each once: %v", got)
	}
	if got := p.Downstream("a"); !reflect.DeepEqual(got, []string{"last", "b"}) {
		t.Errorf("downstream of a: %v", got)
	}
	for _, id := range []string{"last", "a.on_failure.tell", "on_failure.mail", "on_late.page"} {
		if task := p.Task(id); task == nil || !strings.HasSuffix(id, task.ID) {
			t.Errorf("task %s is %+v", id, task)
		}
	}
	if p.Task("on_success.mail") != nil || p.Task("tell") != nil || p.Position("b") != 2 || p.Position("on_late.page") != 3 {
		t.Error("a task was found that is not there, or elsewhere")
	}
}

// TestTimestamp: RFC 3339 with +00:00, microseconds only where they are not zero (section 7).
func TestTimestamp(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	for want, at := range map[string]time.Time{
		"2023-01-01T01:23:45.123456+00:00": time.Date(2023, 1, 1, 3, 23, 45, 123456789, zone),
		"2023-01-01T00:00:00+00:00":        time.Date(2023, 1, 1, 0, 0, 0, 999, time.UTC),
		"2023-01-01T00:00:00.100000+00:00": time.Date(2023, 1, 1, 0, 0, 0, 1e8, time.UTC),
	} {
		if got := Timestamp(at); got != want {
			t.Errorf("%s is written %s, want %s", at, got, want)
		}
	}
}

// FuzzDecodePlan reads anything; what is read is sealed, and named the same for good.
func FuzzDecodePlan(f *testing.F) {
	for seed := range uint64(10) {
		body, _ := randomPlan(rand.New(rand.NewPCG(seed, 5))).Encode()
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePlan(b)
		if err != nil {
			return
		}
		body, hash := p.Encode()
		back, err := DecodePlan(body)
		if err != nil {
			t.Fatalf("%s was written and cannot be read: %v", body, err)
		}
		if _, again := back.Encode(); again != hash {
			t.Fatalf("%s is named %s, then %s", body, hash, again)
		}
		r := New(func(string) *Plan { return p })
		r.Step(Event{At: epoch, Fact: RunStarted{Rules: Rules}})
		if err := invariants(r); err != nil {
			t.Fatal(err)
		}
	})
}
