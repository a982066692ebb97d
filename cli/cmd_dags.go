package cli

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"weft/catalog"
	"weft/server"
	"weft/store/mem"
)

func dagsCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "dags",
		Short: "list DAGs: when each is due, and how its last run ended; pause and trigger them",
		Long: `List the DAGs of the server of this state folder, or without one those of the DAGs folder:
when each is due next, whether it is paused, how its newest run ended, and which files are
broken.`,
		Example: `  weft dags
  weft dags show nightly
  weft dags pause nightly hourly
  weft dags trigger nightly -p region=north`,
		Args: knownCommand,
		RunE: func(*cobra.Command, []string) error { return e.listDAGs(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	dagsFlag(e, cmd, servedDAGs)
	cmd.AddCommand(showDAGCommand(e), pauseCommand(e, true), pauseCommand(e, false), triggerCommand(e))
	return cmd
}

// servedDAGs is what --dags names where no server says it.
const servedDAGs = "without a server, where the DAGs are"

func showDAGCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "show a DAG: its next ticks, its newest runs, what was missed, what is wrong with its file",
		Example: "  weft dags show nightly",
		Args:    exactArgs(1, "name the DAG by its id: weft dags lists them"),
		RunE:    func(_ *cobra.Command, args []string) error { return e.showDAG(args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	dagsFlag(e, cmd, servedDAGs)
	return cmd
}

// listDAGs lists the DAGs of the server, or those of the place that the configuration names.
func (e *env) listDAGs(asJSON bool) error {
	list, err := e.dagsNow()
	if err != nil {
		return err
	}
	if asJSON {
		return e.printJSON(list)
	}
	return e.printDAGs(list)
}

func (e *env) dagsNow() (list server.DAGs, err error) {
	if c := e.live(); c != nil {
		defer c.Close()
		list, err = c.DAGs(context.Background())
		return list, served(err)
	}
	st, cat, end, err := e.lookAtDAGs()
	if err != nil {
		return list, err
	}
	defer end()
	return server.ListDAGs(context.Background(), st, cat, time.Now().UTC())
}

func (e *env) showDAG(id string, asJSON bool) error {
	page, err := e.dagNow(id)
	if err != nil {
		return served(err)
	}
	if asJSON {
		return e.printJSON(page)
	}
	return e.printDAG(page)
}

func (e *env) dagNow(id string) (page server.DAGPage, err error) {
	if c := e.live(); c != nil {
		defer c.Close()
		return c.DAG(context.Background(), id)
	}
	st, cat, end, err := e.lookAtDAGs()
	if err != nil {
		return page, err
	}
	defer end()
	return server.ShowDAG(context.Background(), st, cat, id, time.Now().UTC())
}

// A looked is the DAGs of a place as they are at one look, which keeps nothing of them.
type looked struct {
	snap  *catalog.Snapshot
	shown map[string]string // file by id
}

// Now implements server.Catalog.
func (l looked) Now() *catalog.Snapshot { return l.snap }

// Shown implements server.Catalog.
func (l looked) Shown(e catalog.Entry) string { return l.shown[e.ID] }

// lookAtDAGs reads the DAGs where no server does, and opens what is remembered of them: nothing, where there is no
// state folder yet, and none is made.
func (e *env) lookAtDAGs() (st server.Store, cat server.Catalog, end func(), err error) {
	if cat, err = e.readDAGs(); err != nil {
		return nil, nil, nil, err
	}
	if e.onTemporal() {
		s, err := e.openRuns(false)
		if err != nil {
			return nil, nil, nil, err
		}
		return s.far.kept, cat, s.close, nil
	}
	if _, err := os.Stat(e.conf.Home); errors.Is(err, os.ErrNotExist) {
		return mem.New(), cat, func() {}, nil
	}
	s, err := openSession(e.conf, false)
	if err != nil {
		return nil, nil, nil, err
	}
	return s.store, cat, s.close, nil
}

// readDAGs reads those of the place that the configuration names.
func (e *env) readDAGs() (server.Catalog, error) {
	if remote(e.conf.DAGs) {
		return e.refresh(context.Background(), e.conf.DAGs)
	}
	return e.lookAtFolder()
}

// lookAtFolder checks the files of the DAGs folder.
func (e *env) lookAtFolder() (l looked, err error) {
	targets, broken := e.gather(nil, "")
	if len(broken) > 0 {
		return l, broken[0]
	}
	found, errs := e.checkAll(targets)
	for _, err := range errs {
		e.complain(err)
	}
	l = looked{snap: &catalog.Snapshot{Entries: map[string]catalog.Entry{}}, shown: map[string]string{}}
	for _, f := range found {
		l.snap.Findings = append(l.snap.Findings, f.Finding)
	}
	for _, d := range catalog.SameIDs(l.snap.Findings) {
		for i := range l.snap.Findings {
			if f := &l.snap.Findings[i]; f.File == d.File {
				f.Diagnostics = append(f.Diagnostics, d)
			}
		}
	}
	for _, f := range l.snap.Findings {
		if f.ID != "" && !f.Failed() {
			l.snap.Entries[f.ID], l.shown[f.ID] = catalog.Entry{ID: f.ID, Path: f.File, Head: f.Head}, f.File
		}
	}
	return l, nil
}
