package mem

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"weft/store"
)

// Create implements store.Runs.
func (s *Store) Create(ctx context.Context, row store.Run, recs []store.Record) error {
	doing := "cannot create run " + row.ID
	row = row.Kept()
	if err := row.Check(); err != nil {
		return err
	}
	entries, err := store.Encode(row.ID, recs)
	if err != nil {
		return err
	}
	if err := store.Follow(row.ID, 0, entries); err != nil {
		return err
	}
	if err := s.begin(ctx, doing); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, taken := s.runs[row.ID]; taken {
		return fmt.Errorf("%s: it %w", doing, store.ErrExists)
	}
	if err := s.inTheWay(row); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	day := date{row.DAG, row.LogicalDate.UnixMicro()}
	if other, taken := s.dates[day]; taken && row.Dated() {
		return fmt.Errorf("%s: %s, for the same logical date, %w", doing, other, store.ErrExists)
	}
	if err := s.commit(doing); err != nil {
		return err
	}
	r := &run{row: row}
	r.add(entries)
	s.runs[row.ID] = r
	if row.Dated() {
		s.dates[day] = row.ID
	}
	return nil
}

// GetRun implements store.Runs.
func (s *Store) GetRun(ctx context.Context, id string) (store.Run, error) {
	doing := "cannot read the row of run " + id
	if err := s.begin(ctx, doing); err != nil {
		return store.Run{}, err
	}
	defer s.mu.Unlock()
	r, ok := s.runs[id]
	if !ok {
		return store.Run{}, fmt.Errorf("%s: %w", doing, store.ErrNotFound)
	}
	return r.row.Kept(), nil
}

// ListRuns implements store.Runs.
func (s *Store) ListRuns(ctx context.Context, f store.Filter) ([]store.Run, error) {
	if err := s.begin(ctx, "cannot list runs"); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var out []store.Run
	for _, r := range s.runs {
		if f.Match(r.row) {
			out = append(out, r.row.Kept())
		}
	}
	slices.SortFunc(out, store.Newest) // total: the map's order is not seen
	if f.Limit > 0 && len(out) > f.Limit {
		out = out[:f.Limit]
	}
	return out, nil
}

// LastRuns implements store.Runs.
func (s *Store) LastRuns(ctx context.Context) ([]store.Run, error) {
	all, err := s.ListRuns(ctx, store.Filter{})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []store.Run
	for _, r := range all {
		if !seen[r.DAG] {
			seen[r.DAG] = true
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b store.Run) int { return strings.Compare(a.DAG, b.DAG) })
	return out, nil
}
