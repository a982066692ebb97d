package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"weft/catalog"
	"weft/machine"
	"weft/schedule"
	"weft/spec"
	"weft/store"
)

// ahead is how many runs of a DAG may wait in the engine for max_active_runs; the others that are due wait in the store.
const ahead = 16

// lasts is how long runs that are due wait for a file that is gone.
const lasts = 10 * time.Minute

// begin starts what is due, one run of each DAG at a time, so that they begin in the order of their dates.
func (s *Service) begin() {
	if s.stopping || len(s.todo) == 0 {
		return
	}
	all := make([]*dag, 0, len(s.todo))
	for d := range s.todo {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *dag) int {
		return cmp.Or(a.due[0].At.Compare(b.due[0].At), cmp.Compare(a.id, b.id))
	})
	for _, d := range all {
		s.launch(d)
	}
}

// launch starts the first run of a DAG that is due.
func (s *Service) launch(d *dag) {
	if d.starting || d.active >= max(d.entry.Head.MaxActive, 1)+ahead || s.snapshot == nil {
		return
	}
	if d.retry > 0 && s.conf.Clock.Mono() < d.retry {
		return
	}
	if i := open(d.away, schedule.Gone); !d.here && (i < 0 || s.conf.Clock.Now().Sub(d.away[i].From) < lasts) {
		return // an editor may take a file away and put it back
	}
	due := d.due[0]
	entry, here := d.entry, d.here
	d.starting = true
	var run string
	var err error
	s.fly(func() {
		s.room <- struct{}{}
		run, err = s.start(entry, here, due)
		<-s.room
	}, func() { s.begun(d, due, run, err) })
}

// A refused run is one that can never begin.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// start begins the run of a tick.
func (s *Service) start(entry catalog.Entry, here bool, due store.Due) (run string, err error) {
	run, err = s.tryStart(entry, here, due)
	if err == nil || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrGoing) {
		return run, err
	}
	// Whatever the reason, it may have begun before: an answer was lost, the clock was set back.
	for _, kind := range []string{"scheduled", "backfill"} {
		key := machine.RunKey(due.DAG, kind, kind+"__"+machine.Timestamp(due.Logical))
		if _, unknown := s.conf.Store.GetRun(s.ctx, key); unknown == nil {
			return key, store.ErrExists
		}
	}
	return run, err
}

func (s *Service) tryStart(entry catalog.Entry, here bool, due store.Due) (run string, err error) {
	if !here {
		return "", refused{errors.New("its file was not there any more")}
	}
	plan, dir, err := s.plan(entry)
	if err != nil {
		return "", refused{err}
	}
	params, problems := spec.CheckParams(plan, nil, nil)
	if len(problems) > 0 {
		return "", refused{fmt.Errorf("its params have no values: %s", said(problems))}
	}
	req := s.conf.Request(plan, dir)
	req.Run, req.Type, req.By = "scheduled__"+machine.Timestamp(due.Logical), "scheduled", "schedule"
	req.LogicalDate, req.IntervalStart, req.IntervalEnd, req.Params = due.Logical, due.Start, due.End, params
	return s.conf.Engine.Start(context.WithoutCancel(s.ctx), req)
}

func said(problems []spec.ParamProblem) string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "; ")
}

// begun hears what became of a start.
func (s *Service) begun(d *dag, due store.Due, run string, err error) {
	d.starting = false
	var never refused
	switch {
	case err == nil:
		d.began = s.conf.Clock.Now()
		s.lives("scheduled", d, run)
	case errors.Is(err, store.ErrExists), errors.Is(err, store.ErrGoing):
		s.conf.Log.Debug("a run exists already", "run", run)
	case errors.As(err, &never):
		s.refuse(d, due, never)
	default:
		s.putOff(d, err)
		return
	}
	d.retry, d.fails = 0, 0
	s.settled = append(s.settled, due)
	if d.due = d.due[1:]; len(d.due) == 0 {
		d.due = nil
		delete(s.todo, d)
		s.soon(d) // a continuous one that found its run there
	}
}

// refuse records a tick whose run can never begin.
func (s *Service) refuse(d *dag, due store.Due, why error) {
	s.conf.Log.Error("a run that is due cannot begin", "dag", d.id, "logical_date", due.Logical, "reason", why)
	c := store.Changes{Missed: []store.Missed{{
		DAG: d.id, First: due.Logical, Last: due.Logical, Due: due.At, LastDue: due.At, Count: 1,
		Why: "refused", Reason: why.Error(), RecordedAt: s.conf.Clock.Now(),
	}}, Settled: []store.Due{due}}
	if err := s.write(&c); err != nil {
		s.conf.Log.Error("cannot remember that", "error", err) // it is due again after a restart
	}
}

// putOff tries a start again after a while.
func (s *Service) putOff(d *dag, err error) {
	d.fails++
	pause := min(time.Second<<min(d.fails-1, 4), 10*time.Second)
	d.retry = s.conf.Clock.Mono() + pause
	if d.fails == 1 {
		s.conf.Log.Error("cannot begin a run that is due; it is tried again", "dag", d.id, "error", err)
	}
	after, _ := s.conf.Clock.After(pause)
	s.starts.Go(func() {
		select {
		case <-after:
			s.nudge()
		case <-s.ctx.Done():
		}
	})
}
