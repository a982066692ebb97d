package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	"weft/server"
)

func cancelCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel RUN",
		Short: "end a run: what runs is stopped, nothing further starts",
		Long: `End a run, whoever drives it. What runs is stopped, first politely; unfinished tasks become
failed with the reason cancelled; no callback runs. A run that nobody drives is ended here.`,
		Example: "  weft cancel latest",
		Args:    exactArgs(1, "name the run: its id, the beginning of it, or latest"),
		RunE:    func(cmd *cobra.Command, args []string) error { return e.cancel(args[0]) },
	}
}

// cancelPoll is how often cancel looks whether the run's driver has obeyed.
const cancelPoll = 50 * time.Millisecond

func (e *env) cancel(name string) error {
	s, row, err := e.openRun(name)
	if err != nil {
		return err
	}
	defer s.close()
	if row.State.Terminal() {
		fmt.Fprintf(e.stdout, "%s is over already: %s\n", row.ID, row.State)
		return nil
	}
	ctx := context.Background()
	order := machine.CancelAsked{By: userName(), Reason: "weft cancel"}
	if s.far != nil {
		return e.cancelFar(s, row, order)
	}
	if done, err := e.cancelServed(row.ID, order); err != nil {
		return err
	} else if done {
		return e.tellCancelled(s, row.ID)
	}
	if err := e.drive(s, func(runner.Update) {}); err != nil {
		return err
	}
	err = s.engine.Cancel(ctx, row.ID, order.By, order.Reason)
	switch {
	case errors.Is(err, local.ErrDriven):
		err = e.askDriver(s, row.ID, order)
	case err == nil:
		_, err = s.engine.Wait(ctx, row.ID)
	}
	if err != nil {
		return err
	}
	return e.tellCancelled(s, row.ID)
}

func (e *env) tellCancelled(s *session, run string) error {
	row, err := s.store.GetRun(context.Background(), run)
	if err == nil {
		fmt.Fprintf(e.stdout, "%s is %s\n", row.ID, row.State)
	}
	return err
}

// cancelServed has a live server end a run, and waits for that. done is false where the order is to be given otherwise.
func (e *env) cancelServed(run string, order machine.CancelAsked) (done bool, err error) {
	c := e.live()
	if c == nil {
		return false, nil
	}
	defer c.Close()
	st, err := c.Order(context.Background(), run, order)
	switch {
	case passed(err), isProblem(err, server.CodeDriven), errors.Is(err, server.ErrLost): // to order it twice does no harm
		return false, nil
	case err != nil:
		return false, served(err)
	}
	defer st.Close()
	for {
		switch l, err := st.Next(); {
		case err != nil || l.Type == server.LineError:
			return false, &hinted{fmt.Errorf("cannot see the end of run %s yet: the order is given", run), "weft runs show " + shellWord(run) + " tells how far it is"}
		case l.Type == server.LineFinished:
			return true, nil
		}
	}
}

// askDriver leaves the order, durable, for the process that drives the run, and waits for it to be
// carried out. If that process dies, whoever resumes the run finds the order.
func (e *env) askDriver(s *session, run string, order machine.CancelAsked) error {
	ctx := context.Background()
	if err := s.store.PutAsk(ctx, run, machine.Event{At: time.Now().UTC(), Fact: order}); err != nil {
		return err
	}
	patience := time.After(s.conf.Grace + 10*time.Second)
	for {
		row, err := s.store.GetRun(ctx, run)
		if err != nil || row.State.Terminal() {
			return err
		}
		select {
		case <-patience:
			return &hinted{fmt.Errorf("cannot see the end of run %s yet: the order is given", run), "weft runs show " + run + " tells how far it is"}
		case <-time.After(cancelPoll):
		}
	}
}
