package sqlite

import (
	"context"
	"database/sql"
)

// A query names one of the writer's statements, which are prepared once.
type query int

const (
	begin query = iota
	commit
	rollback
	tailOf
	addEvent
	moveTail
	sameDate
	addRun
	setRun
	addPlan
	runNumber
	addAsk
	sumAsk
	dropAsk
	goingTwin
	rowOfRun
	asksOf
	markGoing
	dropRun
	goingNumber
	dropEvents
	dropAsks
	dropGoing
	markIdle
	dropPlan
	dropDue
	dropAbsence
	dropMissed
	putDAG
	addDue
	addMissed
	addAbsence
	putAbsence
	putBackfill
	queryCount
)

// byID finds the row r of a run by way of its number, so that r.id is read from the table itself and
// not from the index: a damaged index may lead to another run, and that is how one sees it.
const byID = `r.n = (SELECT n FROM runs WHERE id = ?)`

var queryTexts = [queryCount]string{
	begin:    `BEGIN IMMEDIATE`, // with the lock in hand: none finds out halfway that another was faster
	commit:   `COMMIT`,
	rollback: `ROLLBACK`,
	tailOf: `SELECT r.n, r.id, r.last_seq, r.last_sum, e.sum FROM runs r
		LEFT JOIN events e ON e.run = r.n AND e.seq = r.last_seq WHERE ` + byID,
	addEvent: `INSERT INTO events (run, seq, after, hash, event, sum) VALUES (?, ?, ?, ?, ?, ?)`,
	moveTail: `UPDATE runs SET last_seq = ?, last_sum = ? WHERE n = ?`,
	sameDate: `SELECT id FROM runs WHERE dag = ? AND logical_date = ? AND type IN ('scheduled', 'backfill')`,
	// The number is one that no marked run has: its records would be taken for this run's.
	addRun: `INSERT INTO runs (n, id, dag, type, logical_date, state, plan, dir, created_at, started_at, finished_at, tasks, sum)
		VALUES (1 + max((SELECT coalesce(max(n), 0) FROM runs), (SELECT coalesce(max(n), 0) FROM going)),
			?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	setRun: `UPDATE runs SET state = ?, plan = ?, dir = ?, created_at = ?, started_at = ?, finished_at = ?, tasks = ?, sum = ?
		WHERE n = ? AND dag = ? AND type = ? AND logical_date = ?`,
	addPlan: `INSERT INTO plans (hash, body) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET body = excluded.body, idle_since = NULL
		WHERE body <> excluded.body OR idle_since IS NOT NULL`, // mends a damaged one
	runNumber: `SELECT r.n, r.id FROM runs r WHERE ` + byID,
	addAsk:    `INSERT INTO asks (run, event, sum) VALUES (?, ?, ?)`,
	sumAsk:    `UPDATE asks SET sum = ? WHERE id = ?`,
	dropAsk:   `DELETE FROM asks WHERE id = ?`,
	goingTwin: `SELECT id FROM going WHERE id = ?1
		OR ?2 AND dag = ?3 AND logical_date = ?4 AND type IN ('scheduled', 'backfill')`,
	rowOfRun: `SELECT ` + rowColumns + ` FROM runs WHERE n = ?`,
	asksOf:   `SELECT event FROM asks WHERE run = ?`,
	markGoing: `INSERT INTO going (n, ` + rowColumns + `, last_seq, last_sum)
		SELECT n, ` + rowColumns + `, last_seq, last_sum FROM runs WHERE n = ?`,
	dropRun:     `DELETE FROM runs WHERE n = ?`,
	goingNumber: `SELECT n FROM going WHERE id = ?`,
	dropEvents:  `DELETE FROM events WHERE run = ?`,
	dropAsks:    `DELETE FROM asks WHERE run = ?`,
	dropGoing:   `DELETE FROM going WHERE n = ?`,
	markIdle:    `UPDATE plans SET idle_since = ? WHERE hash = ? AND idle_since IS NULL`,
	dropPlan:    `DELETE FROM plans WHERE hash = ? AND idle_since <= ?`,
	dropDue:     `DELETE FROM due WHERE dag = ? AND logical_date = ?`,
	dropAbsence: `DELETE FROM absences WHERE id = ?`,
	dropMissed:  `DELETE FROM missed WHERE id = ?`,
	putDAG: `INSERT INTO dags (id, body, sum) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET body = excluded.body, sum = excluded.sum`,
	addDue:     `INSERT INTO due (dag, logical_date, at, body, sum) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
	addMissed:  `INSERT INTO missed (dag, body, sum) VALUES (?, ?, ?)`,
	addAbsence: `INSERT INTO absences (dag, body, sum) VALUES (?, ?, ?)`,
	putAbsence: `INSERT INTO absences (id, dag, body, sum) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET body = excluded.body, sum = excluded.sum`,
	putBackfill: `INSERT INTO backfills (id, dag, over, created_at, body, sum) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET over = excluded.over, body = excluded.body, sum = excluded.sum`,
}

// prepare keeps a statement of the read pool, by its text.
func (s *Store) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.prepared[text]; st != nil {
		return st, nil
	}
	st, err := s.read.PrepareContext(ctx, text)
	if err == nil {
		s.prepared[text] = st
	}
	return st, err
}

// rows carries out a prepared statement of the read pool, and each on every row that comes.
func (s *Store) rows(ctx context.Context, text string, each func(*sql.Rows) error, args ...any) error {
	st, err := s.prepare(ctx, text)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return walk(rows, each)
}

// walk ends the rows in every case.
func walk(rows *sql.Rows, each func(*sql.Rows) error) error {
	defer func() { _ = rows.Close() }() // its error is Err's
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
