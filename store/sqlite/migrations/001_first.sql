-- What must be remembered, first form. Times are microseconds since 1970, UTC.
--
-- Each row that holds facts carries a checksum (sum) over its other columns, so that a damaged page
-- never gives plausible rows; what is counted (tallies, runs.asks) makes rows that are gone seen.
-- No foreign keys: the writer looks every parent up anyway, for its checksum.

-- The list of runs, and where each journal ends.
CREATE TABLE runs (
  n            INTEGER PRIMARY KEY,
  id           TEXT    NOT NULL UNIQUE CHECK (id <> ''),
  dag          TEXT    NOT NULL CHECK (dag <> ''),
  type         TEXT    NOT NULL CHECK (type IN ('manual', 'scheduled', 'backfill')),
  logical_date INTEGER NOT NULL,
  state        TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed', 'cancelled')),
  plan         TEXT    NOT NULL,
  dir          TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  started_at   INTEGER,
  finished_at  INTEGER CHECK (finished_at IS NULL OR state IN ('success', 'failed', 'cancelled')),
  tasks        TEXT    CHECK (tasks IS NULL OR json_valid(tasks)),
  sum          BLOB    NOT NULL CHECK (length(sum) = 16),
  -- Not under sum: they are checked against the journal and the asks themselves.
  last_seq     INTEGER NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
  last_sum     BLOB    NOT NULL DEFAULT x'' CHECK (length(last_sum) = iif(last_seq = 0, 0, 16)),
  asks         INTEGER NOT NULL DEFAULT 0 CHECK (asks >= 0)
) STRICT;

-- One scheduled or backfill run a logical date.
CREATE UNIQUE INDEX runs_one_a_date ON runs (dag, logical_date) WHERE type IN ('scheduled', 'backfill');
CREATE INDEX runs_of_dag ON runs (dag, logical_date, created_at, id);
CREATE INDEX runs_newest ON runs (logical_date, created_at, id);
CREATE INDEX runs_alive ON runs (logical_date, created_at, id) WHERE state IN ('queued', 'running');

-- How many runs there are of each sort.
CREATE TABLE tallies (
  dag   TEXT    NOT NULL,
  type  TEXT    NOT NULL,
  state TEXT    NOT NULL,
  runs  INTEGER NOT NULL CHECK (runs >= 0),
  PRIMARY KEY (dag, type, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER runs_in AFTER INSERT ON runs BEGIN
  INSERT INTO tallies VALUES (NEW.dag, NEW.type, NEW.state, 1) ON CONFLICT DO UPDATE SET runs = runs + 1;
END;
CREATE TRIGGER runs_out AFTER DELETE ON runs BEGIN
  UPDATE tallies SET runs = runs - 1 WHERE (dag, type, state) = (OLD.dag, OLD.type, OLD.state);
END;
CREATE TRIGGER runs_moved AFTER UPDATE OF state ON runs WHEN OLD.state <> NEW.state BEGIN
  UPDATE tallies SET runs = runs - 1 WHERE (dag, type, state) = (OLD.dag, OLD.type, OLD.state);
  INSERT INTO tallies VALUES (NEW.dag, NEW.type, NEW.state, 1) ON CONFLICT DO UPDATE SET runs = runs + 1;
END;

-- The journals of all runs, in the order of writing: appends of many runs touch few pages.
CREATE TABLE events (
  n     INTEGER PRIMARY KEY,
  run   INTEGER NOT NULL, -- runs.n
  seq   INTEGER NOT NULL CHECK (seq >= 1),
  after INTEGER NOT NULL,
  hash  INTEGER NOT NULL, -- 64 bits, whatever their sign
  event TEXT    NOT NULL, -- JSON
  sum   BLOB    NOT NULL CHECK (length(sum) = 16),
  UNIQUE (run, seq)
) STRICT;

CREATE TABLE plans (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  body BLOB NOT NULL
) STRICT;

-- Orders that wait for the driver of their run.
CREATE TABLE asks (
  id    INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: DropAsks may come late
  run   INTEGER NOT NULL, -- runs.n
  event TEXT    NOT NULL, -- JSON
  sum   BLOB    NOT NULL CHECK (length(sum) = 16)
) STRICT;
CREATE INDEX asks_of_run ON asks (run, id);

CREATE TRIGGER asks_in AFTER INSERT ON asks BEGIN
  UPDATE runs SET asks = asks + 1 WHERE n = NEW.run;
END;
CREATE TRIGGER asks_out AFTER DELETE ON asks BEGIN
  UPDATE runs SET asks = asks - 1 WHERE n = OLD.run;
END;
