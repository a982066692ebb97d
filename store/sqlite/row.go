package sqlite

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"weft/machine"
	"weft/store"
)

// A row is a store.Run in the form of its columns.
type row struct {
	id, dag, kind string
	logical       int64
	state         string
	plan, dir     string
	created       int64
	started       sql.NullInt64
	finished      sql.NullInt64
	tasks         sql.NullString
	sum           []byte
}

// rowColumns are what scan reads, in its order.
const rowColumns = `id, dag, type, logical_date, state, plan, dir, created_at, started_at, finished_at, tasks, sum`

func rowOf(r store.Run) (row, error) {
	if err := r.Check(); err != nil {
		return row{}, refuse(err)
	}
	out := row{
		id: r.ID, dag: r.DAG, kind: r.Type,
		logical: r.LogicalDate.UnixMicro(),
		state:   string(r.State),
		plan:    r.Plan, dir: r.Dir,
		created: r.CreatedAt.UnixMicro(), started: micros(r.StartedAt), finished: micros(r.FinishedAt),
	}
	if len(r.Tasks) > 0 {
		body, err := json.Marshal(r.Tasks)
		if err != nil {
			return row{}, fmt.Errorf("run %s: its tasks: %w", r.ID, err)
		}
		out.tasks = sql.NullString{String: string(body), Valid: true}
	}
	out.sum = out.checksum()
	return out, nil
}

// run turns the row back, having checked its sum.
func (r row) run() (store.Run, error) {
	if !bytes.Equal(r.sum, r.checksum()) {
		return store.Run{}, damaged(r.id, "its checksum differs")
	}
	out := store.Run{
		ID: r.id, DAG: r.dag, Type: r.kind,
		LogicalDate: time.UnixMicro(r.logical).UTC(),
		State:       machine.RunState(r.state),
		Plan:        r.plan, Dir: r.dir,
		CreatedAt: time.UnixMicro(r.created).UTC(), StartedAt: moment(r.started), FinishedAt: moment(r.finished),
	}
	if r.tasks.Valid {
		if err := json.Unmarshal([]byte(r.tasks.String), &out.Tasks); err != nil {
			return store.Run{}, fmt.Errorf("cannot read run %s: its tasks: %w: %w", r.id, err, store.ErrFuture)
		}
	}
	return out, nil
}

func (r *row) scan(rows interface{ Scan(...any) error }) error {
	return rows.Scan(&r.id, &r.dag, &r.kind, &r.logical, &r.state, &r.plan, &r.dir,
		&r.created, &r.started, &r.finished, &r.tasks, &r.sum)
}

// checksum covers each column with its length, so that nothing can move from one to the next. A
// column that a later form adds joins in only where it is not NULL: old sums stay right.
func (r row) checksum() []byte {
	var b []byte
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	number := func(n sql.NullInt64) {
		b = append(b, 'n')
		if n.Valid {
			b = binary.LittleEndian.AppendUint64(append(b, 'v'), uint64(n.Int64))
		}
	}
	text(r.id)
	text(r.dag)
	text(r.kind)
	number(sql.NullInt64{Int64: r.logical, Valid: true})
	text(r.state)
	text(r.plan)
	text(r.dir)
	number(sql.NullInt64{Int64: r.created, Valid: true})
	number(r.started)
	number(r.finished)
	if r.tasks.Valid {
		text(r.tasks.String)
	}
	sum := sha256.Sum256(b)
	return sum[:16]
}

// micros turns a moment into a column: NULL where there is none.
func micros(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: !t.IsZero()}
}

func moment(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

func damaged(id, why string) error {
	return refuse(fmt.Errorf("cannot read the row of run %q: %s: %w", id, why, store.ErrCorrupt))
}

// astray says that the index of runs' ids led to another run.
func astray(id string) error { return damaged(id, "another stands in its place") }
