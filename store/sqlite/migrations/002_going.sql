-- Removal: runs that are marked to go, and since when plans are needed by no run.

-- Marked runs have left the table of runs, and so every list, look-up and tally. Their records and
-- orders stay where they are, under the same number n, until the run is deleted.
CREATE TABLE going (
  n            INTEGER PRIMARY KEY,
  id           TEXT    NOT NULL UNIQUE CHECK (id <> ''),
  dag          TEXT    NOT NULL,
  type         TEXT    NOT NULL,
  logical_date INTEGER NOT NULL,
  state        TEXT    NOT NULL CHECK (state IN ('success', 'failed', 'cancelled')),
  plan         TEXT    NOT NULL,
  dir          TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  started_at   INTEGER,
  finished_at  INTEGER NOT NULL,
  tasks        TEXT,
  sum          BLOB    NOT NULL CHECK (length(sum) = 16), -- as in runs
  last_seq     INTEGER NOT NULL,
  last_sum     BLOB    NOT NULL
) STRICT;

-- NULL = not known to be idle. The hash is that of the body alone.
ALTER TABLE plans ADD COLUMN idle_since INTEGER;
