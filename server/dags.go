package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"weft/catalog"
	"weft/diag"
	"weft/scheduler"
	"weft/spec"
	"weft/store"
)

// DAGs are those that are in force, and the files that are broken.
type DAGs struct {
	Format int          `json:"format"`
	DAGs   []DAG        `json:"dags"`   // by id
	Broken []BrokenFile `json:"broken"` // by path
}

// A DAG is what is told of one in a list.
type DAG struct {
	scheduler.Listed
	File string     `json:"file"`
	Last *store.Run `json:"last,omitempty"` // its newest run by logical date
}

// A BrokenFile is a DAG file with errors. If a version of it was good once, that is still in force.
type BrokenFile struct {
	File   string `json:"file"`
	ID     string `json:"dag_id,omitempty"` // as far as it can be read
	Errors int    `json:"errors"`
	First  string `json:"first"` // "line:column: message [code]"
}

// A DAGPage is all that is told of one.
type DAGPage struct {
	Format int `json:"format"`
	DAG
	Coming []scheduler.Tick `json:"coming"`   // the next ticks, 5 at most
	Missed []store.Missed   `json:"missed"`   // the newest records, 10 at most
	Runs   []store.Run      `json:"runs"`     // the newest, 10 at most
	Found  json.RawMessage  `json:"findings"` // of its file, as weft validate --format json has them
}

// ListDAGs tells of all DAGs of a snapshot. It needs no server.
func ListDAGs(ctx context.Context, st Store, cat Catalog, now time.Time) (DAGs, error) {
	out := DAGs{Format: Format, DAGs: []DAG{}, Broken: []BrokenFile{}}
	snap := cat.Now()
	if snap == nil {
		return out, errNotRead()
	}
	kept, err := st.Scheduled(ctx)
	if err != nil {
		return out, err
	}
	last := map[string]*store.Run{}
	runs, err := st.LastRuns(ctx)
	if err != nil && !errors.Is(err, store.ErrCorrupt) { // a row that is damaged hides no other
		return out, err
	}
	for i := range runs {
		last[runs[i].DAG] = &runs[i]
	}
	for _, l := range scheduler.List(snap, kept, now) {
		out.DAGs = append(out.DAGs, DAG{Listed: l, File: cat.Shown(snap.Entries[l.ID]), Last: last[l.ID]})
	}
	out.Broken = append(out.Broken, broken(snap)...)
	return out, nil
}

// newest are the newest runs of a DAG, but for those whose rows are damaged.
func newest(ctx context.Context, st Store, dag string, n int) ([]store.Run, error) {
	runs, err := st.ListRuns(ctx, store.Filter{DAG: dag, Limit: n})
	if err != nil && !errors.Is(err, store.ErrCorrupt) {
		return nil, err
	}
	return runs, nil
}

// ShowDAG tells all of one. It needs no server. scheduler.ErrUnknown if no such DAG is in force.
func ShowDAG(ctx context.Context, st Store, cat Catalog, id string, now time.Time) (DAGPage, error) {
	p := DAGPage{Format: Format, Missed: []store.Missed{}, Runs: []store.Run{}, Coming: []scheduler.Tick{}}
	snap := cat.Now()
	if snap == nil {
		return p, errNotRead()
	}
	e, ok := snap.Entries[id]
	if !ok {
		return p, UnknownDAG(snap, id)
	}
	kept, err := st.Scheduled(ctx)
	if err != nil {
		return p, err
	}
	var row store.DAG
	for _, r := range kept.DAGs {
		if r.ID == id {
			row = r
		}
	}
	one := &catalog.Snapshot{Entries: map[string]catalog.Entry{id: e}}
	p.DAG = DAG{Listed: scheduler.List(one, kept, now)[0], File: cat.Shown(e)}
	p.Coming = append(p.Coming, scheduler.Coming(e, row, now, 5)...)
	missed, err := st.ListMissed(ctx, id, 10)
	if err != nil {
		return p, err
	}
	p.Missed = append(p.Missed, missed...)
	runs, err := newest(ctx, st, id, 10)
	if err != nil {
		return p, err
	}
	p.Runs = append(p.Runs, runs...)
	if len(runs) > 0 {
		p.Last = &runs[0]
	}
	p.Found, err = findings(snap, p.File)
	return p, err
}

// findings are those of a file, as weft validate has them.
func findings(snap *catalog.Snapshot, file string) (json.RawMessage, error) {
	var ds []spec.Diagnostic
	var src []byte
	for _, f := range snap.Findings {
		if f.File == file {
			ds, src = f.Diagnostics, f.Source
		}
	}
	var out bytes.Buffer
	if err := diag.JSON(&out, ds, diag.Options{Source: func(string) []byte { return src }}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// broken are the files of a snapshot that have errors.
func broken(snap *catalog.Snapshot) (out []BrokenFile) {
	for _, f := range snap.Findings {
		if !f.Failed() {
			continue
		}
		b := BrokenFile{File: f.File, ID: f.ID}
		for _, d := range f.Diagnostics {
			if d.Severity != spec.Error {
				continue
			}
			if b.Errors++; b.Errors == 1 {
				b.First = first(d)
			}
		}
		out = append(out, b)
	}
	return out
}

// UnknownDAG says that no DAG of an id is in force: because its file is broken, or there is none.
func UnknownDAG(snap *catalog.Snapshot, id string) error {
	for _, b := range broken(snap) {
		if b.ID == id {
			return &Problem{
				Status: http.StatusNotFound, Code: CodeUnknownDAG, Text: "no version of DAG " + id + " is in force: " + b.File + " is broken",
				Hint: b.File + ":" + b.First,
			}
		}
	}
	p := &Problem{Status: http.StatusNotFound, Code: CodeUnknownDAG, Text: "no DAG " + id + " is in force"}
	if near := spec.Nearest(id, snap.IDs()); len(near) > 0 {
		p.Hint = "did you mean " + either(near) + "?"
	} else if len(snap.Entries) > 0 {
		p.Hint = "weft dags lists them"
	}
	return p
}

func errNotRead() error {
	return &Problem{Status: http.StatusServiceUnavailable, Code: CodeStopping, Text: "the DAGs have not been read yet"}
}

// inForce refuses a DAG that is not in force.
func (s *Server) inForce(id string) error {
	snap := s.conf.Catalog.Now()
	if snap == nil {
		return errNotRead()
	}
	if _, ok := snap.Entries[id]; !ok {
		return UnknownDAG(snap, id)
	}
	return nil
}

func (s *Server) listDAGs(w http.ResponseWriter, r *http.Request) error {
	out, err := ListDAGs(r.Context(), s.conf.Store, s.conf.Catalog, s.conf.Now())
	if err == nil {
		write(w, http.StatusOK, out)
	}
	return err
}

func (s *Server) showDAG(w http.ResponseWriter, r *http.Request) error {
	out, err := ShowDAG(r.Context(), s.conf.Store, s.conf.Catalog, r.PathValue("dag"), s.conf.Now())
	if err == nil {
		write(w, http.StatusOK, out)
	}
	return err
}

// A Pausing says who pauses a DAG, or ends that.
type Pausing struct {
	By string `json:"by,omitempty"`
}

// A Paused is a DAG as an order has left it.
type Paused struct {
	Format int    `json:"format"`
	DAG    string `json:"dag_id"`
	Paused bool   `json:"paused"`
}

func (s *Server) pauseDAG(w http.ResponseWriter, r *http.Request) error { return s.pausing(w, r, true) }

func (s *Server) unpauseDAG(w http.ResponseWriter, r *http.Request) error {
	return s.pausing(w, r, false)
}

func (s *Server) pausing(w http.ResponseWriter, r *http.Request, pause bool) error {
	var in Pausing
	if err := s.decode(w, r, &in); err != nil {
		return err
	}
	id := r.PathValue("dag")
	if err := s.inForce(id); err != nil {
		return err
	}
	if err := s.conf.Scheduler.Pause(context.WithoutCancel(r.Context()), id, in.By, pause); err != nil {
		return err
	}
	write(w, http.StatusOK, Paused{Format: Format, DAG: id, Paused: pause})
	return nil
}
