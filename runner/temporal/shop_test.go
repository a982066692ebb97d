package temporal

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"weft/machine"
	"weft/runner"
)

// A shop is where the attempts of a run are done in virtual time. What becomes of one is drawn from its key alone:
// two engines that begin the same attempts hear the same of them.
type shop struct {
	seed  uint64
	now   time.Time
	heap  happenings
	n     int
	alive map[machine.Key]*work
	wrong []string
}

type work struct {
	o     machine.Order
	kind  string
	told  func(any) // machine.Outcome, runner.Intent, runner.Submitted; nil = it was cut off
	at    *happening
	ended bool
}

type happening struct {
	at time.Time
	n  int
	do func()
}

type happenings []*happening

func (h happenings) Len() int { return len(h) }
func (h happenings) Less(i, j int) bool {
	if by := h[i].at.Compare(h[j].at); by != 0 {
		return by < 0
	}
	return h[i].n < h[j].n
}
func (h happenings) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *happenings) Push(x any)   { *h = append(*h, x.(*happening)) }
func (h *happenings) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

func newShop(seed uint64) *shop {
	return &shop{seed: seed, now: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), alive: map[machine.Key]*work{}}
}

func (s *shop) after(d time.Duration, do func()) *happening {
	s.n++
	h := &happening{s.now.Add(d), s.n, do}
	heap.Push(&s.heap, h)
	return h
}

// next is the moment of the next happening; zero if there is none.
func (s *shop) next() time.Time {
	if len(s.heap) == 0 {
		return time.Time{}
	}
	return s.heap[0].at
}

func (s *shop) pop() {
	h := heap.Pop(&s.heap).(*happening)
	s.now = h.at
	h.do()
}

func (s *shop) dice(of ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintln(h, of...)
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

// begin does one thing of an attempt. Two things of one key are never under way at the same time.
func (s *shop) begin(kind string, o machine.Order, told func(any)) *work {
	if w := s.alive[o.Key]; w != nil {
		s.wrong = append(s.wrong, fmt.Sprintf("%s of %s begins while %s is under way", kind, o.Key, w.kind))
	}
	w := &work{o: o, kind: kind, told: told}
	s.alive[o.Key] = w
	r := s.dice(kind, o.Key)
	w.at = s.after(time.Duration(1+r.IntN(20000))*time.Millisecond, func() { s.finish(w, s.result(kind, o, r)) })
	return w
}

func (s *shop) finish(w *work, res any) {
	if !w.ended {
		w.ended = true
		if s.alive[w.o.Key] == w {
			delete(s.alive, w.o.Key)
		}
		w.told(res)
	}
}

// stop ends what is done of a key in a moment.
func (s *shop) stop(key machine.Key, reason string) {
	w := s.alive[key]
	if w == nil || w.kind == HaltActivity {
		return
	}
	s.after(100*time.Millisecond, func() {
		var res any = machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "stopped: " + reason}
		switch w.kind {
		case IntendActivity:
			out := res.(machine.Outcome)
			res = runner.Intent{Outcome: &out}
		case SubmitActivity:
			res = runner.Submitted{}
		}
		s.finish(w, res)
	})
}

func (s *shop) result(kind string, o machine.Order, r *rand.Rand) any {
	switch kind {
	case IntendActivity:
		return runner.Intent{Token: "t" + o.Key.String()}
	case SubmitActivity:
		return runner.Submitted{Handle: machine.Raw(`1`), Text: "job " + o.Key.String()}
	case HaltActivity:
		return machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "halted"}
	}
	switch r.IntN(12) {
	case 0, 1:
		return machine.Outcome{State: machine.Failed, Kind: "temporary", Error: "cannot reach it"}
	case 2:
		return machine.Outcome{State: machine.Failed, Kind: "bad_input", Error: "cannot read its input"}
	case 3:
		return machine.Outcome{State: machine.Skipped, Error: "exit 99"}
	}
	list := "[1,2,3]"[:1+2*r.IntN(4)]
	if list = list[:len(list)-1] + "]"; list == "]" {
		list = "[]"
	}
	return machine.Outcome{State: machine.Success, Output: machine.Raw(fmt.Sprintf(`{"ok":%v,"list":%s}`, r.IntN(3) > 0, list))}
}
