package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weft/store"
)

// columns are all that hold facts.
var columns = map[string][]string{
	"events": {"run", "seq", "after", "hash", "event", "sum"},
	"plans":  {"hash", "body"},
	"asks":   {"id", "run", "event", "sum"},
	"runs": {
		"id", "dag", "type", "logical_date", "state", "plan", "dir", "created_at", "started_at", "finished_at", "tasks", "sum",
		"last_seq", "last_sum", "asks",
	},
	"tallies": {"dag", "type", "state", "runs"},
}

// A byte that changes in any column is noticed by some read, and no read gives anything wrong.
func TestFlippedColumnsAreNoticed(t *testing.T) {
	rnd := seeded(t)
	dir := t.TempDir()
	s := open(t, dir)
	want := furnish(t, s)
	db := meddler(t, dir)
	var places [][2]string
	for table, names := range columns {
		for _, name := range names {
			places = append(places, [2]string{table, name})
		}
	}
	slices.SortFunc(places, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	for i := range often(len(places)*4, 10_000) {
		table, column := places[i%len(places)][0], places[i%len(places)][1] // each in its turn
		restore, what := flip(t, db, rnd, table, column)
		if restore == nil {
			continue // NULL, or another row has that value and must be the only one
		}
		counted := table == "tallies" && column != "runs" // of sorts that nobody asks for
		if errs := want.compare(t, s); len(errs) == 0 && !counted {
			t.Errorf("%s: nobody noticed", what)
		}
		if t.Failed() {
			t.Fatalf("after %s", what)
		}
		restore()
	}
	if errs := want.compare(t, s); errs != nil {
		t.Errorf("restored, it is not whole: %v", errs)
	}
}

// meddler opens the file beside the store, past all that defends it.
func meddler(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := connect(filepath.Join(dir, File), false, 1)
	fine(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for _, text := range []string{
		"PRAGMA ignore_check_constraints = 1", "PRAGMA synchronous = OFF",
		"DROP TRIGGER runs_in", "DROP TRIGGER runs_out", "DROP TRIGGER runs_moved", "DROP TRIGGER asks_in", "DROP TRIGGER asks_out",
		"CREATE TABLE tallies_whole AS SELECT * FROM tallies",
	} {
		_, err := db.Exec(text)
		fine(t, err)
	}
	return db
}

// flip changes one bit of one value of a column. restore is nil if it could not be.
func flip(t *testing.T, db *sql.DB, rnd *rand.Rand, table, column string) (restore func(), what string) {
	t.Helper()
	key := map[string]string{"events": "n", "plans": "rowid", "asks": "id", "runs": "n", "tallies": "dag || '/' || type || '/' || state"}[table]
	var at, old any
	fine(t, db.QueryRow(fmt.Sprintf(`SELECT %s, %s FROM %s LIMIT 1 OFFSET abs(?) %% (SELECT count(*) FROM %[3]s)`, key, column, table),
		int64(rnd.Uint32())).Scan(&at, &old))
	value := "?"
	var now any
	switch v := old.(type) {
	case nil:
		return nil, ""
	case int64:
		now = v ^ 1<<rnd.IntN(63)
	case string:
		now, value = flipByte(rnd, []byte(v)), "CAST(? AS TEXT)"
	case []byte:
		now = flipByte(rnd, v)
	default:
		t.Fatalf("%s.%s holds a %T", table, column, v)
	}
	set := fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s = ?", table, column, value, key)
	what = fmt.Sprintf("%s.%s of %v", table, column, at)
	if _, err := db.Exec(set, now, at); err != nil {
		if code(err) == 19 { // constraint: UNIQUE
			return nil, ""
		}
		t.Fatal(err)
	}
	if key == column { // the row has moved
		at = now
	}
	return func() {
		if table == "tallies" { // all of the row is its key
			_, err := db.Exec("DELETE FROM tallies; INSERT INTO tallies SELECT * FROM tallies_whole")
			fine(t, err)
			return
		}
		res, err := db.Exec(fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?", table, column, key), old, at)
		fine(t, err)
		if n, _ := res.RowsAffected(); n != 1 {
			t.Fatalf("%s: %d rows restored", what, n)
		}
	}, what
}

func flipByte(rnd *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) == 0 {
		return []byte{'x'}
	}
	b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
	return b
}

// Bytes that change in the file itself, or are cut off it, give the same answers or errors.
func TestFlippedFileIsNoticed(t *testing.T) {
	rnd := seeded(t)
	dir := t.TempDir()
	s := open(t, dir)
	want := furnish(t, s)
	fine(t, s.Close())
	path := filepath.Join(dir, File)
	whole, err := os.ReadFile(path)
	fine(t, err)
	rounds, noticed := often(350, 10_000), 0
	for range rounds {
		bad := bytes.Clone(whole)
		at := rnd.IntN(len(bad))
		what := fmt.Sprintf("a flip at %d (page %d + %d)", at, at/4096+1, at%4096)
		switch rnd.IntN(20) {
		case 0:
			what = fmt.Sprintf("a cut at %d", at)
			bad = bad[:at]
		case 1: // a page that was written elsewhere, or never
			to := rnd.IntN(len(bad)/4096) * 4096
			from := rnd.IntN(len(bad)/4096) * 4096
			what = fmt.Sprintf("the page at %d also at %d", from, to)
			copy(bad[to:to+4096], bytes.Clone(bad[from:from+4096]))
		case 2:
			for i := at; i < min(at+512, len(bad)); i++ { // a sector
				bad[i] = 0
			}
		default:
			bad[at] ^= byte(1 + rnd.IntN(255))
		}
		fine(t, os.WriteFile(path, bad, 0o600))
		if s, err := Open(dir); err != nil {
			noticed++
		} else {
			if want.compare(t, s) != nil {
				noticed++
			}
			_ = s.Close()
		}
		if t.Failed() {
			t.Fatalf("after %s", what)
		}
		_, _ = os.Remove(path+"-wal"), os.Remove(path+"-shm")
	}
	if noticed < rounds/3 {
		t.Errorf("only %d of %d were noticed: does this test hit anything?", noticed, rounds)
	}
	t.Logf("%d of %d were noticed, the others hit nothing", noticed, rounds)
}

// What is lost or moved as a whole is noticed too.
func TestDamageIsNoticed(t *testing.T) {
	const run7 = "(SELECT n FROM runs WHERE id = 'run-07')"
	for name, c := range map[string]struct{ sql, read string }{
		"the last record gone":    {"DELETE FROM events WHERE run = " + run7 + " AND seq = (SELECT max(seq) FROM events WHERE run = " + run7 + ")", "Read run-07"},
		"the tail gone":           {"DELETE FROM events WHERE run = " + run7 + " AND seq > 2", "Read run-07"},
		"all records gone":        {"DELETE FROM events WHERE run = " + run7, "Read run-07"},
		"the first gone":          {"DELETE FROM events WHERE run = " + run7 + " AND seq = 1", "Read run-07"},
		"one in the middle gone":  {"DELETE FROM events WHERE run = " + run7 + " AND seq = 5", "Read run-07"},
		"the end put back":        {"UPDATE runs SET last_seq = 3, last_sum = (SELECT sum FROM events WHERE run = runs.n AND seq = 3) WHERE id = 'run-07'", "Read run-07"},
		"two records swapped":     {"UPDATE events SET (event, after) = (SELECT event, after FROM events e WHERE e.run = events.run AND e.seq = 7 - events.seq) WHERE run = " + run7 + " AND seq IN (3, 4)", "Read run-07"},
		"another run's record":    {"UPDATE events SET (event, sum) = (SELECT event, sum FROM events e WHERE e.run = 1 AND e.seq = 2) WHERE run = " + run7 + " AND seq = 2", "Read run-07"},
		"another run's row":       {"UPDATE runs SET (dag, state, sum) = (SELECT dag, state, sum FROM runs r WHERE r.id = 'run-04') WHERE id = 'run-07'", "GetRun run-07"},
		"a run gone":              {"DELETE FROM runs WHERE id = 'run-07'", "ListRuns {DAG:d1"},
		"an ask gone":             {"DELETE FROM asks WHERE id = (SELECT max(id) FROM asks WHERE run = (SELECT n FROM runs WHERE id = 'run-05'))", "TakeAsks run-05"},
		"an ask for another run":  {"UPDATE asks SET run = " + run7 + " WHERE id = 1", "TakeAsks run-07"},
		"another plan's contents": {"UPDATE plans SET body = (SELECT body FROM plans WHERE rowid = 1) WHERE rowid = 2", "GetPlan"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			want := furnish(t, s)
			res, err := meddler(t, dir).Exec(c.sql)
			fine(t, err)
			if n, _ := res.RowsAffected(); n == 0 {
				t.Fatal("nothing was damaged")
			}
			seen := false
			for _, err := range want.compare(t, s) {
				seen = seen || strings.HasPrefix(err.Error(), c.read) && errors.Is(err, store.ErrCorrupt)
			}
			if !seen {
				t.Errorf("%s did not say that it is damaged", c.read)
			}
		})
	}
}

// One damaged row hides no other, and an update mends it.
func TestADamagedRowHidesNoOther(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	furnish(t, s)
	_, err := meddler(t, dir).Exec("UPDATE runs SET dir = dir || '/' WHERE id = 'run-07'")
	fine(t, err)
	got, err := s.ListRuns(t.Context(), store.Filter{})
	if len(got) != 8 || !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "run-07") {
		t.Errorf("got %d rows and %v", len(got), err)
	}
	row := aRun("run-07")
	row.DAG, row.Type, row.LogicalDate = "d1", store.RunTypes[1], day.AddDate(0, 0, 7)
	answer := make(chan error, 1)
	s.Append("run-07", nil, &row, func(err error) { answer <- err })
	fine(t, <-answer)
	if _, err := s.ListRuns(t.Context(), store.Filter{}); err != nil {
		t.Error(err)
	}
}

// Nothing is chained to a damaged end.
func TestADamagedEndTakesNoMore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fine(t, s.Create(t.Context(), aRun("r"), recs(1, 3)))
	_, err := meddler(t, dir).Exec("DELETE FROM events WHERE seq = 3")
	fine(t, err)
	if err := appended(s, "r", recs(4, 1)); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}
