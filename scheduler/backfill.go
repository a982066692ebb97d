package scheduler

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sort"
	"time"

	"weft/catalog"
	"weft/machine"
	"weft/schedule"
	"weft/spec"
	"weft/store"
)

// MostDates bounds the dates of one backfill.
const MostDates = 100_000

// A backfill is one that is not over.
type backfill struct {
	row    store.Backfill
	dates  []store.Due     // all of them, in the order of time
	flying map[string]bool // its runs that go on
	acting bool            // the next date is being seen to
	retry  time.Duration
	fails  int
}

// A DatesError says why a DAG cannot be backfilled so.
type DatesError struct{ text string }

func (e *DatesError) Error() string { return e.text }

func datesError(format string, args ...any) error { return &DatesError{fmt.Sprintf(format, args...)} }

// Dates are the ticks whose logical dates lie in [from, to], of a schedule and zone as they are kept (see KeptAs). A DAG
// without `start` has them from the beginning of time.
func Dates(dag, kept string, from, to time.Time) ([]store.Due, error) {
	s, err := read(store.DAG{ID: dag, Schedule: kept, Since: from})
	if err != nil {
		return nil, fmt.Errorf("cannot backfill %s: %w", dag, err)
	}
	if s == nil || s.Kind() != schedule.Timed {
		return nil, datesError("cannot backfill %s: it has no schedule that names dates", dag)
	}
	var out []store.Due
	for at := from.Add(-time.Nanosecond); ; {
		t, ok := s.Next(at)
		if !ok || t.From.After(to) {
			return out, nil
		}
		if at = t.At; t.From.Before(from) {
			continue
		}
		if len(out) == MostDates {
			return nil, datesError("cannot backfill %s: from %s to %s there are more than %d dates", dag, machine.Timestamp(from), machine.Timestamp(to), MostDates)
		}
		out = append(out, store.Due{DAG: dag, Logical: t.From, Start: t.From, End: t.To, At: t.Due})
	}
}

// KeptAs is a schedule and its zone, as a backfill keeps them; "" = none.
func KeptAs(written machine.Raw, zone string) string {
	return scheduleOf(spec.Head{Schedule: written, Timezone: zone})
}

// ZoneOf is the zone that a backfill's dates are of.
func ZoneOf(row store.Backfill) *time.Location {
	var k keptSchedule
	if json.Unmarshal([]byte(row.Schedule), &k) == nil {
		if zone, err := time.LoadLocation(k.Timezone); err == nil {
			return zone
		}
	}
	return time.UTC
}

// KeptHead is KeptAs of a DAG that is in force.
func KeptHead(h spec.Head) string { return scheduleOf(h) }

func newBackfill(row store.Backfill) (*backfill, error) {
	dates, err := Dates(row.DAG, row.Schedule, row.From, row.To)
	return &backfill{row: row, dates: dates, flying: map[string]bool{}}, err
}

// at is the n-th date in the backfill's direction.
func (b *backfill) at(n int) store.Due {
	if b.row.Backwards {
		n = len(b.dates) - 1 - n
	}
	return b.dates[n]
}

// position is where a logical date stands in the backfill's direction; -1: it is none of its dates.
func (b *backfill) position(logical time.Time) int {
	n := sort.Search(len(b.dates), func(i int) bool { return !b.dates[i].Logical.Before(logical) })
	if n == len(b.dates) || !b.dates[n].Logical.Equal(logical) {
		return -1
	}
	if b.row.Backwards {
		n = len(b.dates) - 1 - n
	}
	return n
}

// belongs counts a run that goes on again for the backfill that began it.
func (s *Service) belongs(r store.Run) {
	for _, b := range s.backs {
		if n := b.position(r.LogicalDate); r.DAG == b.row.DAG && r.Dated() && n >= 0 && n <= b.row.Next {
			b.flying[r.ID] = true
		}
	}
}

// backfill sees to the next date of each backfill that has room.
func (s *Service) backfill() {
	for _, id := range slices.Sorted(maps.Keys(s.backs)) {
		b := s.backs[id]
		switch {
		case b.acting || s.stopping || b.retry > 0 && s.conf.Clock.Mono() < b.retry:
		case b.row.Next == len(b.dates) && len(b.flying) == 0:
			s.finish(b)
		case b.row.State != "running" || b.row.Next == len(b.dates):
		case len(b.flying) < s.bound(b):
			s.next(b)
		}
	}
}

// bound is how many runs of a backfill go on at one time.
func (s *Service) bound(b *backfill) int {
	n := max(b.row.MaxActive, 1)
	if d := s.dags[b.row.DAG]; d != nil && d.entry.Head.MaxActive > 0 {
		n = min(n, d.entry.Head.MaxActive)
	}
	return n
}

// What is done about a date of a backfill.
const (
	Begin = "run"   // there is no run
	Again = "again" // there is one, which is run again
	Leave = "leave" // there is one, which stays as it is
)

// A Date is one of a backfill, and what is done about it.
type Date struct {
	Logical time.Time        `json:"logical_date"`
	Run     string           `json:"run_id"`
	State   machine.RunState `json:"state,omitempty"` // of the run that exists
	Action  string           `json:"action"`
}

// existing finds the run of a date, of whichever kind; nil: there is none.
func existing(ctx context.Context, runs store.RunList, due store.Due) (*store.Run, error) {
	for _, kind := range []string{"backfill", "scheduled"} {
		row, err := runs.GetRun(ctx, machine.RunKey(due.DAG, kind, kind+"__"+machine.Timestamp(due.Logical)))
		if err == nil {
			return &row, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	return nil, nil
}

// look tells what is to be done about a date.
func look(ctx context.Context, runs store.RunList, row store.Backfill, due store.Due) (Date, error) {
	has, err := existing(ctx, runs, due)
	switch {
	case err != nil:
		return Date{}, err
	case has == nil:
		return Date{due.Logical, machine.RunKey(due.DAG, "backfill", "backfill__"+machine.Timestamp(due.Logical)), "", Begin}, nil
	}
	d := Date{due.Logical, has.ID, has.State, Leave}
	failed := has.State == machine.RunFailed || has.State == machine.RunCancelled
	if has.State.Terminal() && (row.Reprocess == "all" || row.Reprocess == "failed" && failed) {
		d.Action = Again
	}
	return d, nil
}

// PlanBackfill tells what a backfill would do about each of its dates, in its order.
func PlanBackfill(ctx context.Context, runs store.RunList, row store.Backfill) ([]Date, error) {
	b, err := newBackfill(row)
	if err != nil {
		return nil, err
	}
	out := make([]Date, len(b.dates))
	for n := range b.dates {
		if out[n], err = look(ctx, runs, row, b.at(n)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// next sees to a backfill's next date.
func (s *Service) next(b *backfill) {
	row, due := b.row, b.at(b.row.Next)
	entry, err := s.entry(row.DAG)
	if err != nil {
		s.putOffBackfill(b, err)
		return
	}
	b.acting = true
	var date Date
	s.fly(func() {
		s.room <- struct{}{}
		date, err = s.see(entry, row, due)
		<-s.room
	}, func() { s.seen(b, date, err) })
}

// see begins the run of a date, or begins it again, or leaves it.
func (s *Service) see(entry catalog.Entry, row store.Backfill, due store.Due) (Date, error) {
	ctx := context.WithoutCancel(s.ctx)
	d, err := look(ctx, s.conf.Store, row, due)
	if err != nil || d.Action == Leave && d.State.Terminal() {
		return d, err
	}
	plan, dir, err := s.plan(entry)
	if err != nil {
		return d, err
	}
	switch d.Action {
	case Begin:
		err = s.beginDate(ctx, plan, dir, row, due)
	case Again:
		err = s.beginAgain(ctx, plan, dir, row, &d)
	}
	return d, err
}

func by(row store.Backfill) string { return "backfill " + row.ID }

func (s *Service) beginDate(ctx context.Context, plan *machine.Plan, dir string, row store.Backfill, due store.Due) error {
	var given map[string]any
	if row.Params != "" {
		if err := json.Unmarshal([]byte(row.Params), &given); err != nil {
			return fmt.Errorf("cannot read the params of backfill %s: %w", row.ID, err)
		}
	}
	params, problems := spec.CheckParams(plan, given, nil)
	if len(problems) > 0 {
		return fmt.Errorf("cannot run %s: %s", row.DAG, said(problems))
	}
	req := s.conf.Request(plan, dir)
	req.Run, req.Type, req.By = "backfill__"+machine.Timestamp(due.Logical), "backfill", by(row)
	req.LogicalDate, req.IntervalStart, req.IntervalEnd, req.Params = due.Logical, due.Start, due.End, params
	_, err := s.conf.Engine.Start(ctx, req)
	if errors.Is(err, store.ErrExists) {
		return nil // its tick came a moment ago
	}
	return err
}

// beginAgain clears a run: all of it, or what failed. One that this backfill has begun again already, before a crash,
// is left.
func (s *Service) beginAgain(ctx context.Context, plan *machine.Plan, dir string, row store.Backfill, d *Date) error {
	if done, err := s.conf.Reopened(ctx, d.Run, by(row)); err != nil || done {
		return err
	}
	r, err := s.conf.Replay(ctx, d.Run)
	if err != nil {
		return err
	}
	order := machine.Reopened{By: by(row), Epoch: r.Info().Epoch + 1, Dir: dir}
	for _, t := range r.ClearSet(plan, machine.ClearOrder{Failed: row.Reprocess == "failed"}) {
		order.Tasks = append(order.Tasks, t.Task)
	}
	if len(order.Tasks) == 0 { // it failed by its verdict alone
		for _, t := range r.ClearSet(plan, machine.ClearOrder{}) {
			order.Tasks = append(order.Tasks, t.Task)
		}
	}
	body, hash := plan.Encode()
	if err := s.conf.Store.PutPlan(ctx, hash, body); err != nil {
		return err
	}
	order.Plan = hash
	return s.conf.Engine.Reopen(ctx, d.Run, order)
}

// seen hears what became of a date.
func (s *Service) seen(b *backfill, d Date, err error) {
	b.acting = false
	if err != nil {
		s.putOffBackfill(b, err)
		return
	}
	row := b.row
	row.Next++
	row.Reason = ""
	switch d.Action {
	case Begin:
		row.Begun++
	case Again:
		row.Again++
	default:
		row.Left++
	}
	if err := s.write(&store.Changes{Backfills: []store.Backfill{row}}); err != nil {
		s.putOffBackfill(b, err) // it is found to exist the next time
		return
	}
	b.row, b.retry, b.fails = row, 0, 0
	if _, over := s.early[d.Run]; !over && (d.Action != Leave || !d.State.Terminal()) {
		b.flying[d.Run] = true
	}
}

// putOffBackfill tries a date again after a while.
func (s *Service) putOffBackfill(b *backfill, err error) {
	b.fails++
	pause := min(time.Second<<min(b.fails-1, 5), 30*time.Second)
	b.retry = s.conf.Clock.Mono() + pause
	if b.fails == 1 {
		s.conf.Log.Error("a backfill waits", "backfill", b.row.ID, "dag", b.row.DAG, "error", err)
	}
	b.row.Reason = err.Error() // remembered with the next date
}

// finish ends a backfill all of whose runs have ended.
func (s *Service) finish(b *backfill) {
	row := b.row
	row.Failed = 0
	runs, err := s.conf.Store.ListRuns(s.ctx, store.Filter{DAG: row.DAG, States: []machine.RunState{machine.RunFailed, machine.RunCancelled}})
	if err != nil {
		s.putOffBackfill(b, err)
		return
	}
	for _, r := range runs {
		if r.Dated() && b.position(r.LogicalDate) >= 0 {
			row.Failed++
		}
	}
	row.State, row.EndedAt = "success", s.conf.Clock.Now()
	if row.Failed > 0 {
		row.State, row.Reason = "failed", fmt.Sprintf("%d of %d runs failed", row.Failed, row.Dates)
	}
	s.endBackfill(b, row)
}

func (s *Service) endBackfill(b *backfill, row store.Backfill) bool {
	if err := s.write(&store.Changes{Backfills: []store.Backfill{row}}); err != nil {
		s.putOffBackfill(b, err)
		return false
	}
	delete(s.backs, row.ID)
	s.conf.Log.Log(s.ctx, map[bool]slog.Level{true: slog.LevelInfo, false: slog.LevelWarn}[row.State == "success"],
		"backfill is over", "backfill", row.ID, "dag", row.DAG, "state", row.State, "begun", row.Begun, "again", row.Again, "left", row.Left, "failed", row.Failed)
	return true
}

// Backfill orders a backfill: DAG, From, To, Reprocess, Backwards, MaxActive, Params, By are given. It is durable on
// return. A DAG has one at a time.
func (s *Service) Backfill(ctx context.Context, row store.Backfill) (out store.Backfill, err error) {
	entry, err := s.entry(row.DAG)
	if err != nil {
		return row, err
	}
	now := s.conf.Clock.Now().UTC().Truncate(time.Microsecond)
	row.ID, row.CreatedAt, row.State = row.DAG+"__"+machine.Timestamp(now), now, "running"
	row.Schedule = scheduleOf(entry.Head)
	b, err := newBackfill(row)
	if err != nil {
		return row, err
	}
	if b.row.Dates = len(b.dates); len(b.dates) == 0 {
		return row, datesError("cannot backfill %s: its schedule names no date from %s to %s", row.DAG, machine.Timestamp(row.From), machine.Timestamp(row.To))
	}
	var failed error
	err = s.do(ctx, func() {
		for _, other := range s.backs {
			if other.row.DAG == row.DAG {
				failed = fmt.Errorf("cannot backfill %s: %w: %s is %s", row.DAG, ErrBusy, other.row.ID, other.row.State)
				return
			}
		}
		if !b.row.CreatedAt.After(s.ordered) { // two in one moment have two names
			b.row.CreatedAt = s.ordered.Add(time.Microsecond)
			b.row.ID = row.DAG + "__" + machine.Timestamp(b.row.CreatedAt)
		}
		s.ordered = b.row.CreatedAt
		if failed = s.write(&store.Changes{Backfills: []store.Backfill{b.row}}); failed == nil {
			s.backs[b.row.ID] = b
			out = b.row // before its first date is seen to
			s.backfill()
		}
	})
	return out, cmp.Or(failed, err)
}

// CheckBackfill says what is wrong with an order, whatever its DAG is.
func CheckBackfill(row store.Backfill) error {
	switch {
	case row.From.IsZero() || row.To.IsZero():
		return errors.New("cannot backfill without a first and a last date")
	case row.To.Before(row.From):
		return fmt.Errorf("cannot backfill from %s to %s: that is before", machine.Timestamp(row.From), machine.Timestamp(row.To))
	case !slices.Contains([]string{"none", "failed", "all"}, row.Reprocess):
		return fmt.Errorf("cannot backfill with reprocess %q: it is none, failed or all", row.Reprocess)
	case row.MaxActive < 1:
		return fmt.Errorf("cannot backfill with %d runs at one time", row.MaxActive)
	}
	return nil
}

// ErrBusy says that a DAG has a backfill already that is not over.
var ErrBusy = errors.New("it has a backfill that goes on")

// ErrNoBackfill says that no backfill of that id goes on.
var ErrNoBackfill = errors.New("no backfill of that id goes on")

// PauseBackfill has a backfill begin nothing more, or go on; what runs goes on. It is durable on return.
func (s *Service) PauseBackfill(ctx context.Context, id string, pause bool) error {
	return s.order(ctx, id, func(b *backfill) error {
		row := b.row
		row.State = map[bool]string{true: "paused", false: "running"}[pause]
		if err := s.write(&store.Changes{Backfills: []store.Backfill{row}}); err != nil {
			return err
		}
		b.row, b.retry = row, 0
		return nil
	})
}

// CancelBackfill ends a backfill, and cancels its runs that go on. It is durable on return.
func (s *Service) CancelBackfill(ctx context.Context, id, by string) error {
	var runs []string
	err := s.order(ctx, id, func(b *backfill) error {
		row := b.row
		row.State, row.EndedAt, row.Reason = "cancelled", s.conf.Clock.Now(), "cancelled by "+by
		if err := s.write(&store.Changes{Backfills: []store.Backfill{row}}); err != nil {
			return err
		}
		runs = slices.Sorted(maps.Keys(b.flying))
		delete(s.backs, id)
		return nil
	})
	for _, run := range runs {
		if err := s.conf.Engine.Cancel(ctx, run, by, "its backfill was cancelled"); err != nil {
			s.conf.Log.Warn("cannot cancel a run of a backfill", "run", run, "error", err)
		}
	}
	return err
}

func (s *Service) order(ctx context.Context, id string, do func(*backfill) error) error {
	var failed error
	err := s.do(ctx, func() {
		b := s.backs[id]
		if b == nil {
			failed = fmt.Errorf("%w: %s", ErrNoBackfill, id)
			return
		}
		failed = do(b)
	})
	return cmp.Or(failed, err)
}
