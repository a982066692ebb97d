package local

import (
	"slices"
	"time"

	"weft/machine"
	"weft/runner"
)

// A sensor is one attempt of a task that waits: between two pokes it is this value and an alarm.
type sensor struct {
	d      *drive
	key    machine.Key
	task   *machine.Task
	since  time.Time // first poke of the epoch
	n      int       // pokes so far
	poking bool      // the n-th is in flight
	lane   string
	// deadline is the moment on the monotonic clock from which no poke starts; 0 = none, or not
	// known before the first. That the attempt ends then is the machine's business: its timer comes.
	deadline time.Duration
	alarm    *alarm
	kept     *runner.Question // of its last poke; nil = the next is asked in full
	stopped  bool
	stop     string // why it was to stop while it was asked: then "not yet" is no answer any more
}

// pokes is the pool in which sensors are asked: a bound on how many at once, first come first
// served within a lane, in turn between lanes; and no lane may take all of it, so that a host that
// hangs delays only its own.
type pokes struct {
	slots  int
	busy   int
	inLane map[string]int
	lanes  []string // those with someone waiting, in turn
	queue  map[string][]*sensor
	all    map[*drive]map[machine.Key]*sensor
}

func (p *pokes) init(slots int) {
	p.slots = slots
	p.inLane, p.queue, p.all = map[string]int{}, map[string][]*sensor{}, map[*drive]map[machine.Key]*sensor{}
}

// laneCap is how much of the pool one lane may take.
func (p *pokes) laneCap() int { return max(1, p.slots*3/4) }

func (p *pokes) add(s *sensor) {
	if p.all[s.d] == nil {
		p.all[s.d] = map[machine.Key]*sensor{}
	}
	p.all[s.d][s.key] = s
	p.enqueue(s)
}

func (p *pokes) enqueue(s *sensor) {
	if len(p.queue[s.lane]) == 0 {
		p.lanes = append(p.lanes, s.lane)
	}
	p.queue[s.lane] = append(p.queue[s.lane], s)
}

// remove forgets a sensor that is not being poked.
func (p *pokes) remove(d *drive, key machine.Key) {
	s := p.all[d][key]
	if s == nil {
		return
	}
	s.stopped = true
	d.core.timers.cancel(s.alarm)
	p.forget(s)
}

// halt has a sensor that is being asked end with this poke.
func (p *pokes) halt(d *drive, key machine.Key, reason string) {
	if s := p.all[d][key]; s != nil {
		s.stop = reason
	}
}

func (p *pokes) forget(s *sensor) {
	delete(p.all[s.d], s.key)
	if len(p.all[s.d]) == 0 {
		delete(p.all, s.d)
	}
}

// next takes the sensor whose turn it is; nil if none may be poked now.
func (p *pokes) next() *sensor {
	for i := 0; i < len(p.lanes) && p.busy < p.slots; {
		lane := p.lanes[i]
		q := p.queue[lane]
		for len(q) > 0 && q[0].stopped {
			q = q[1:]
		}
		if len(q) == 0 {
			delete(p.queue, lane)
			p.lanes = slices.Delete(p.lanes, i, i+1)
			continue
		}
		if p.inLane[lane] >= p.laneCap() {
			p.queue[lane] = q
			i++
			continue
		}
		s := q[0]
		p.queue[lane] = q[1:]
		p.lanes = append(slices.Delete(p.lanes, i, i+1), lane)
		if len(q) == 1 {
			delete(p.queue, lane)
			p.lanes = p.lanes[:len(p.lanes)-1]
		}
		p.busy++
		p.inLane[lane]++
		return s
	}
	return nil
}

func (p *pokes) done(s *sensor) {
	p.busy--
	if p.inLane[s.lane]--; p.inLane[s.lane] == 0 {
		delete(p.inLane, s.lane)
	}
}

// startPokes pokes who is due.
func (c *Core) startPokes() {
	for {
		s := c.pokes.next()
		if s == nil {
			return
		}
		o, ok := s.order(c)
		if !ok {
			c.pokes.done(s)
			c.pokes.forget(s)
			delete(s.d.live, s.key)
			continue
		}
		if s.late(c) {
			c.pokes.done(s)
			continue
		}
		s.n++
		s.poking = true
		s.d.live[s.key] = livePoke
		if s.n == 1 {
			s.d.record(machine.AttemptStarted{Key: s.key})
		}
		s.ask(c, o)
	}
}

// An asker is a Worker that can ask on with what was kept of a poke.
type asker interface {
	Ask(q *runner.Question, o machine.Order, n int, since time.Time, done func(runner.PokeResult))
}

// order is what the next poke asks; ok is false if nobody wants it any more. It is bare where enough is
// kept of the last.
func (s *sensor) order(c *Core) (o machine.Order, ok bool) {
	if _, can := c.work.(asker); can && s.kept != nil {
		if o, ok = s.d.run.Bare(s.key); ok && s.kept.Fits(o) {
			return o, ok
		}
	}
	s.kept = nil
	return s.d.run.Order(s.key)
}

// ask has the worker poke.
func (s *sensor) ask(c *Core, o machine.Order) {
	n := s.n
	done := func(res runner.PokeResult) {
		c.post(func() {
			if s.poking && s.n == n { // else it is repeated news
				s.poking = false
				s.d.poked(s, res)
			}
		})
	}
	if s.kept != nil {
		c.work.(asker).Ask(s.kept, o, n, s.since, done)
		return
	}
	c.work.Poke(o, n, s.since, done)
}

// late tells whether the sensor's time is over. The first poke of its epoch sets it running.
func (s *sensor) late(c *Core) bool {
	limit := time.Duration(s.task.Sensor.Timeout)
	if s.since.IsZero() {
		s.since = c.clock.Now().UTC()
	}
	if limit > 0 && s.deadline == 0 {
		s.deadline = c.clock.Mono() + s.since.Add(limit).Sub(c.clock.Now())
		return s.deadline <= c.clock.Mono()
	}
	return limit > 0 && c.clock.Mono() >= s.deadline
}

// poked hears how a poke ended. "Not yet" is no event: the next one is armed, that is all.
func (d *drive) poked(s *sensor, res runner.PokeResult) {
	c := d.core
	c.pokes.done(s)
	if c.hurried() && res.Done && res.Outcome.State == machine.Failed && s.stop == "" { // it was kept from asking: no answer
		c.pokes.forget(s)
		delete(d.live, s.key)
		d.settleFailed()
		return
	}
	if s.stop != "" && !res.Done {
		res = runner.PokeResult{Done: true, Outcome: stopped(s.stop)}
	}
	if res.Done || d.err != nil || c.drives[d.id] != d {
		c.pokes.forget(s)
		delete(d.live, s.key)
		d.record(machine.AttemptEnded{Key: s.key, Outcome: res.Outcome})
		d.settleFailed()
		return
	}
	d.live[s.key] = liveWait
	s.kept = res.Kept
	if s.alarm == nil {
		s.alarm = &alarm{fire: func() { c.pokes.enqueue(s) }}
	}
	interval := runner.PokeInterval(s.d.id, s.key, s.task.Sensor, s.n)
	due := together(c.clock.Mono()+interval, interval)
	if !res.NotBefore.IsZero() {
		due = c.moment(res.NotBefore)
	}
	c.timers.arm(s.alarm, due)
}

// together puts the next poke off a little, a thousandth of the interval at most, so that sensors which are
// due one after the other wake the engine once. It puts nothing off that is due at a whole second.
func together(due, interval time.Duration) time.Duration {
	for _, ms := range []time.Duration{50, 20, 10, 5, 2, 1} {
		grid := ms * time.Millisecond
		if grid > interval/1000 {
			continue
		}
		over := due % grid
		if over < 0 { // a monotonic clock may count from anywhere
			over += grid
		}
		return due + (grid-over)%grid
	}
	return due
}
