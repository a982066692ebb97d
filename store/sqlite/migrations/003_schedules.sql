-- What a server starts runs by. Bodies are JSON; sum is over a row's key and its body.

CREATE TABLE dags (
  id   TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  body TEXT NOT NULL CHECK (json_valid(body)),
  sum  BLOB NOT NULL CHECK (length(sum) = 16)
) STRICT, WITHOUT ROWID;

-- Ticks that are due and have no run yet.
CREATE TABLE due (
  dag          TEXT    NOT NULL CHECK (dag <> ''),
  logical_date INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  body         TEXT    NOT NULL CHECK (json_valid(body)),
  sum          BLOB    NOT NULL CHECK (length(sum) = 16),
  PRIMARY KEY (dag, logical_date)
) STRICT, WITHOUT ROWID;

-- Ticks that became no runs.
CREATE TABLE missed (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  dag  TEXT NOT NULL CHECK (dag <> ''),
  body TEXT NOT NULL CHECK (json_valid(body)),
  sum  BLOB NOT NULL CHECK (length(sum) = 16)
) STRICT;
CREATE INDEX missed_of_dag ON missed (dag, id);

CREATE TABLE absences (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  dag  TEXT NOT NULL CHECK (dag <> ''),
  body TEXT NOT NULL CHECK (json_valid(body)),
  sum  BLOB NOT NULL CHECK (length(sum) = 16)
) STRICT;

CREATE TABLE backfills (
  id         TEXT    NOT NULL PRIMARY KEY CHECK (id <> ''),
  dag        TEXT    NOT NULL CHECK (dag <> ''),
  over       INTEGER NOT NULL CHECK (over IN (0, 1)),
  created_at INTEGER NOT NULL,
  body       TEXT    NOT NULL CHECK (json_valid(body)),
  sum        BLOB    NOT NULL CHECK (length(sum) = 16)
) STRICT, WITHOUT ROWID;
CREATE INDEX backfills_newest ON backfills (created_at, id);
CREATE INDEX backfills_going ON backfills (id) WHERE over = 0;
