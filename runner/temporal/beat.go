package temporal

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"weft/clock"
)

// A Pace is how a worker keeps the server told that it is alive, and what it does where it cannot.
//
// The server gives an activity up that it has not heard of for HeartbeatTimeout (30 s, see doer.options), and has it done
// elsewhere. Two attempts of one task are never alive together: so an attempt whose heartbeats get no answer ends before.
// All is counted from when the last heartbeat that was answered had been sent, which is not later than when the server
// began to count.
type Pace struct {
	Every   time.Duration // from one heartbeat to the next; 0 = 3 s
	Patient time.Duration // without an answer, until the attempt is told to end; 0 = 20 s
	Hurry   time.Duration // until its processes have less than a second left; 0 = 26 s
}

func (p Pace) orUsual() Pace {
	set := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	set(&p.Every, 3*time.Second)
	set(&p.Patient, 20*time.Second)
	set(&p.Hurry, 26*time.Second)
	return p
}

// askTime is how long one heartbeat may take.
const askTime = 5 * time.Second

// A teller takes heartbeats: client.Client.
type teller interface {
	RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...any) error
}

// A verdict is what a worker learns of an activity that it has in hand.
type verdict uint8

const (
	goesOn    verdict = iota
	cancelled         // the run wants it stopped
	gone              // the server has given it up, or its run: nobody hears of its end
	returned          // somebody paused or reset it: it is to be done again
	cutOff            // the server did not answer in time
	drained           // this worker is being stopped
)

// A beat keeps the server told of one activity.
type beat struct {
	pace  Pace
	clock clock.Clock
	to    teller
	token []byte
	heard func(verdict) // at most one of each, from the beat's goroutine
	hurry func()        // the time is nearly over
	miss  func(error)   // a heartbeat that got no answer
	done  chan struct{} // closed by end
	once  sync.Once
	gone  chan struct{} // closed when the goroutine has ended

	mu   sync.Mutex
	last time.Duration // on the monotonic clock: when the last that was answered had been sent
}

// begin starts it. The activity began just now.
func (b *beat) begin() {
	b.last = b.clock.Mono()
	b.done, b.gone = make(chan struct{}), make(chan struct{})
	go b.run()
}

// end ends it; nothing is told any more once it returns.
func (b *beat) end() {
	b.once.Do(func() { close(b.done) })
	<-b.gone
}

// silent is how long the server may have heard nothing.
func (b *beat) silent() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock.Mono() - b.last
}

// late tells that the server may give the activity up before it hears of its end.
func (b *beat) late() bool { return b.silent() >= b.pace.Patient }

func (b *beat) run() {
	defer close(b.gone)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-b.done
		cancel()
	}()
	told, hurried := map[verdict]bool{}, false
	say := func(v verdict) {
		if !told[v] {
			told[v] = true
			b.heard(v)
		}
	}
	limits := func() {
		silent := b.silent()
		if silent >= b.pace.Patient {
			say(cutOff)
		}
		if silent >= b.pace.Hurry && !hurried {
			hurried = true
			b.hurry()
		}
	}
	for {
		due, stop := b.clock.After(b.next(b.silent()))
		select {
		case <-due:
		case <-b.done:
			stop()
			return
		}
		limits() // first: an answer may take its time
		if told[gone] || told[returned] || b.left(b.silent()) < least {
			continue
		}
		v := b.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		if v != goesOn {
			say(v)
		}
		limits()
	}
}

// least is how much time a heartbeat needs to be worth sending.
const least = 50 * time.Millisecond

// next is how long to wait: until the next heartbeat, or until time is over.
func (b *beat) next(silent time.Duration) time.Duration {
	return max(min(b.pace.Every, b.left(silent)), time.Millisecond)
}

// left is how long it is until one of the limits is reached.
func (b *beat) left(silent time.Duration) time.Duration {
	switch {
	case silent < b.pace.Patient:
		return b.pace.Patient - silent
	case silent < b.pace.Hurry:
		return b.pace.Hurry - silent
	}
	return askTime
}

// ask sends one heartbeat. It takes no longer than there is time.
func (b *beat) ask(ctx context.Context) verdict {
	sent := b.clock.Mono()
	ctx, cancel := context.WithTimeout(ctx, min(askTime, b.left(b.silent())))
	defer cancel()
	err := b.to.RecordActivityHeartbeat(ctx, b.token)
	v := heardIn(err)
	switch {
	case err == nil, v != goesOn:
		b.mu.Lock()
		b.last = max(b.last, sent)
		b.mu.Unlock()
	default:
		b.miss(err)
	}
	return v
}

// heardIn is what the answer to a heartbeat says. An error that is none of the server's about this activity says nothing.
func heardIn(err error) verdict {
	var absent *serviceerror.NotFound
	switch {
	case err == nil:
		return goesOn
	case temporal.IsCanceledError(err):
		return cancelled
	case errors.As(err, &absent):
		return gone
	case errors.Is(err, activity.ErrActivityPaused), errors.Is(err, activity.ErrActivityReset):
		return returned
	}
	return goesOn
}
