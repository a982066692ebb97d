package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"weft/logs"
	"weft/machine"
	"weft/store"
)

func logsCommand(e *env) *cobra.Command {
	o := logOptions{index: -1}
	cmd := &cobra.Command{
		Use:   "logs RUN [TASK]",
		Short: "what a run's tasks said",
		Long: `Print what the attempts of a run wrote: of every task, or of one. With -f go on as they
write, until the run is over.

At a terminal colours are shown, and what else would steer it is left out; a pipe or a file gets
every byte as it was written.`,
		Example: `  weft logs latest
  weft logs latest clean -f
  weft logs latest part --index 3 --attempt 1`,
		Args: someArgs(1, 2, "name the run, and perhaps a task: weft logs latest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				o.task = args[1]
			}
			return e.showLogs(args[0], o)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on until the run is over")
	f.IntVar(&o.attempt, "attempt", 0, "of this attempt alone")
	f.IntVar(&o.index, "index", -1, "of this instance of a mapped task alone")
	return cmd
}

type logOptions struct {
	task           string
	follow         bool
	attempt, index int
}

func (o logOptions) wants(id logs.ID) bool {
	return (o.task == "" || id.Task == o.task) && (o.attempt == 0 || id.Attempt == o.attempt) && (o.index < 0 || id.Index == o.index)
}

func (e *env) showLogs(name string, o logOptions) error {
	s, row, err := e.openRun(name)
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.replay(row.ID)
	if err != nil {
		return err
	}
	if _, known := r.Explain(o.task); o.task != "" && !known && r.Plan().Task(o.task) == nil {
		return noTask(r.Plan(), row.ID, o.task)
	}
	ids, err := s.logIDs(r, o)
	if err != nil {
		return err
	}
	follow := o.follow && !row.State.Terminal()
	out := e.logWriter(o.task == "" || len(ids) > 1 || follow && mayHaveSeveral(r.Plan().Task(o.task)))
	defer out.end()
	if follow {
		return e.followLogs(s, row, o, out)
	}
	for _, id := range ids {
		if err := s.copyLog(r, out.of(id), id); err != nil {
			return err
		}
	}
	switch {
	case len(ids) > 0:
	case o.attempt > 0 || o.index >= 0:
		return &hinted{fmt.Errorf("cannot find such a log in run %s", row.ID), "weft runs show " + row.ID + " tells attempts and instances"}
	case row.State.Terminal():
		fmt.Fprintln(e.stderr, "nothing was said, or its logs are gone")
	default:
		fmt.Fprintln(e.stderr, "nothing has been said yet")
	}
	return nil
}

// mayHaveSeveral tells whether a task may write more than one log.
func mayHaveSeveral(t *machine.Task) bool { return t == nil || t.ForEach != nil || t.Retries > 0 }

// logIDs lists the logs there are and that are wanted, by the order of tasks in the file, instance,
// attempt.
func (s *session) logIDs(r *machine.Run, o logOptions) ([]logs.ID, error) {
	sum := r.Summarize()
	there, err := s.logsThere(r)
	if err != nil {
		return nil, err
	}
	byTask := map[string][]logs.ID{}
	for _, id := range there {
		if o.wants(id) {
			byTask[id.Task] = append(byTask[id.Task], id)
		}
	}
	var ids []logs.ID
	for _, task := range taskOrder(r.Plan(), sum) {
		ids = append(ids, byTask[task]...)
	}
	return ids, nil
}

// followPoll is how often a log that is followed is looked at.
const followPoll = 100 * time.Millisecond

// followLogs writes logs as they grow, and takes up new ones as their attempts begin, until the run
// is over or Ctrl-C.
func (e *env) followLogs(s *session, row store.Run, o logOptions, out *logWriter) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	over := make(chan struct{})
	ended := func() bool {
		select {
		case <-over:
			return true
		default:
			return false
		}
	}
	var all sync.WaitGroup
	following := map[logs.ID]bool{}
	every := 2 * followPoll
	if s.far != nil {
		every = 2 * farPoll
	}
	for tick := time.NewTicker(every); ; {
		now, err := s.list().GetRun(ctx, row.ID)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
		if r, err := s.replay(row.ID); err == nil {
			ids, _ := s.logIDs(r, o) // looked for again soon
			for _, id := range ids {
				if !following[id] {
					following[id] = true
					all.Go(func() { _ = s.followLog(ctx, r, out.of(id), id, ended) })
				}
			}
		}
		if now.State.Terminal() {
			break
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	close(over)
	all.Wait()
	if ctx.Err() != nil {
		return errInterrupted
	}
	return nil
}

// logsThere lists the logs that there are; of a run on Temporal those of all its attempts, of which some have said nothing.
func (s *session) logsThere(r *machine.Run) (ids []logs.ID, err error) {
	info := r.Info()
	if s.far == nil {
		return s.logs.List(info.DAG, info.Key())
	}
	for _, key := range r.Begun() {
		for n, last := 1, key.Attempt; n <= last; n++ {
			key.Attempt = n
			ids = append(ids, logID(info.Key(), info.DAG, key))
		}
	}
	return ids, nil
}

// copyLog writes one.
func (s *session) copyLog(r *machine.Run, w io.Writer, id logs.ID) error {
	if s.far != nil {
		return s.far.copyLog(context.Background(), r, w, id)
	}
	return s.logs.Copy(w, id)
}

// followLog writes one as it grows.
func (s *session) followLog(ctx context.Context, r *machine.Run, w io.Writer, id logs.ID, ended func() bool) error {
	if s.far != nil {
		return s.far.followLog(ctx, r, w, id, ended)
	}
	return s.logs.Follow(ctx, w, id, followPoll, ended)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
