// Package store says what must be remembered, and in which words: the Journal of each run's
// events, the Plans they follow, and the Runs as a list to look at. store/sqlite keeps them in one
// file; store/mem in memory, for the simulation. storetest holds every store to this contract.
package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"weft/machine"
)

// Sentinels of every store; wrapped, so test with errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	// ErrGap: an append does not follow the last record. Someone else writes this run.
	ErrGap = errors.New("journal has moved on")
	// ErrCorrupt: what was read is not what was written.
	ErrCorrupt = errors.New("data is damaged")
	// ErrFuture: written by a newer weft.
	ErrFuture = errors.New("written by a newer weft")
	// ErrClosed: asked after Close.
	ErrClosed = errors.New("store is closed")
)

// A Record is one event in a run's journal.
//
// Invariants: Seq counts from 1 without a gap; Sum chains over all records before it, so that
// neither a flipped bit nor a lost or swapped record goes unseen.
type Record struct {
	Seq   uint64
	Event machine.Event
	// After and Hash say what the machine's state hash was when the record was written: after the
	// event with seq After. A replay that comes to another hash stops (old journals mean what
	// they meant). After is 0 where nothing is said.
	After uint64
	Hash  uint64
}

// A Journal is the append-only record of each run's events.
type Journal interface {
	// Append adds records to a run's journal: all or nothing, durable when done is called with nil.
	// recs[0].Seq must be the last seq + 1, else ErrGap; ErrNotFound if the run is not known. done is
	// called exactly once, from any goroutine, in the order of the appends of one run; it may append,
	// but must not wait for the store. update, if not nil, replaces the run's row in the same
	// transaction; it alone may be given, without records. The slice belongs to the store until done.
	//
	// After any other error the store goes on from what it had before; but if the process ends then,
	// the append may be found in the journal all the same: the disk did not say.
	Append(run string, recs []Record, update *Run, done func(error))
	// Read returns a run's records in order, having checked seq and checksums. ErrNotFound if the
	// run is not known, ErrCorrupt and ErrFuture with the place of the first bad record. A journal
	// whose last records are gone is ErrCorrupt too.
	Read(ctx context.Context, run string) ([]Record, error)
}

// Plans keeps compiled plans by their hash.
type Plans interface {
	PutPlan(ctx context.Context, hash string, body []byte) error // idempotent; refuses a wrong hash
	GetPlan(ctx context.Context, hash string) ([]byte, error)    // checks the hash: ErrCorrupt
	// HasPlan tells whether a plan is kept and not marked idle: then putting it again would change nothing,
	// and it stays until well after a mark (see Removals). Its bytes are not looked at. It writes nothing.
	HasPlan(ctx context.Context, hash string) (bool, error)
}

// A Run is a row of the list of runs: a cache of what the run's journal says, for lists and
// look-ups. The journal is the truth. Times are kept in UTC, to the microsecond; DAG, Type and
// LogicalDate never change once the run is created.
type Run struct {
	ID          string           `json:"run_id"` // machine.RunKey
	DAG         string           `json:"dag_id"`
	Type        string           `json:"run_type"`
	LogicalDate time.Time        `json:"logical_date"`
	State       machine.RunState `json:"state"`
	Plan        string           `json:"plan"`
	Dir         string           `json:"dir"` // absolute folder of the DAG's file: at the start, later that of machine.Reopened
	CreatedAt   time.Time        `json:"created_at"`
	StartedAt   time.Time        `json:"started_at,omitzero"`
	FinishedAt  time.Time        `json:"finished_at,omitzero"`
	// Tasks are the finished states by task id, kept when the run is over, for depends_on_past.
	Tasks map[string]machine.State `json:"tasks,omitempty"`
}

// A Filter chooses runs; zero fields choose all.
type Filter struct {
	DAG    string
	States []machine.RunState
	Before time.Time // logical date strictly earlier
	Types  []string
	Limit  int // 0 = all
}

// Runs is the list of runs.
type Runs interface {
	// Create records a new run: its row and the first records of its journal, in one transaction,
	// durable on return. ErrExists if the id is taken, or if it is a scheduled or backfill run of a
	// DAG that already has one of either kind for its logical date; ErrGoing if that one is marked.
	Create(ctx context.Context, run Run, recs []Record) error
	RunList
}

// A RunList is the list of runs to look at.
type RunList interface {
	GetRun(ctx context.Context, id string) (Run, error) // ErrCorrupt if the row is damaged
	// ListRuns returns runs newest first, by logical date, then by creation, then by id. With
	// ErrCorrupt it still returns the rows that are whole, so that one bad row hides no other.
	ListRuns(ctx context.Context, f Filter) ([]Run, error)
	// LastRuns returns the newest run of each DAG, as ListRuns orders them, by DAG; with ErrCorrupt those that are
	// whole.
	LastRuns(ctx context.Context) ([]Run, error)
}

// An Ask is what someone ordered of a run that another process drives: kept until the driver has
// written it to the journal as an event.
type Ask struct {
	ID    int64
	Run   string
	Event machine.Event
}

// Asks are the orders that wait for a run's driver. ErrNotFound if the run is not known.
type Asks interface {
	PutAsk(ctx context.Context, run string, ev machine.Event) error // durable on return
	// TakeAsks returns the orders of a run, oldest first, and forgets nothing: DropAsks does, after
	// the append.
	TakeAsks(ctx context.Context, run string) ([]Ask, error)
	DropAsks(ctx context.Context, ids []int64) error
	// AskedRuns returns the ids of the runs that orders wait for, ascending: one look for whoever drives
	// many. That an order is gone which should be there is seen by TakeAsks alone.
	AskedRuns(ctx context.Context) ([]string, error)
}

// A Store is all of it.
type Store interface {
	Journal
	Plans
	Runs
	Asks
	Removals
	Schedules
	Close() error
}

// Sum chains one record's checksum to the one before it: SHA-256 over the previous sum, the run's
// id, the seq, After, Hash and the event's bytes as stored. The first record's prev is nil.
func Sum(prev []byte, run string, seq, after, hash uint64, event []byte) []byte {
	h := sha256.New()
	var n [8 * 5]byte
	binary.LittleEndian.PutUint64(n[0:], uint64(len(prev)))
	binary.LittleEndian.PutUint64(n[8:], uint64(len(run)))
	binary.LittleEndian.PutUint64(n[16:], seq)
	binary.LittleEndian.PutUint64(n[24:], after)
	binary.LittleEndian.PutUint64(n[32:], hash)
	h.Write(n[:])
	h.Write(prev)
	h.Write([]byte(run))
	h.Write(event)
	return h.Sum(nil)[:16]
}

// Corrupt makes an ErrCorrupt that names its place.
func Corrupt(run string, seq uint64, why string) error {
	return fmt.Errorf("cannot read run %s: record %d: %s: %w", run, seq, why, ErrCorrupt)
}
