package sqlite

import (
	"database/sql"
	"net/url"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // registers the driver
)

const (
	// patience is how long a connection waits for the lock of another process. A transaction takes
	// milliseconds; only a process that is stopped or starved keeps the lock longer.
	patience = 30 * time.Second
	// readers bounds the connections of the read pool; opened when first needed.
	readers = 4
)

// connect makes a pool; it opens nothing yet.
func connect(path string, readOnly bool, conns int) (*sql.DB, error) {
	q := url.Values{
		"_busy_timeout": {strconv.FormatInt(patience.Milliseconds(), 10)},
		"_defensive":    {"1"},
		"_dqs":          {"0"},
		"_pragma":       {"cell_size_check=1", "trusted_schema=0"}, // looks twice at damaged pages
	}
	if readOnly {
		q.Set("_query_only", "1") // mode=ro could not open the log of a database that nobody writes
	} else {
		q.Set("_txlock", "immediate")
		q.Set("_synchronous", "FULL") // NORMAL loses acknowledged commits when the power is cut
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}
