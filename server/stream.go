package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"weft/machine"
	"weft/runner"
)

// A Line is one object of a stream. Its type says which:
//
//	accepted      what was asked for is durable; run_id, existed
//	standing      where the run stands: state, summary, seq. Once before the updates of a run that exists, and
//	              again where updates were left out, for they came faster than they were taken
//	run_finished  the run is over: state, summary. The last line
//	error         the run is not over, and nothing more comes: error, hint, code. The last line
//
// and all others are those of runner.Update.
type Line struct {
	runner.Update
	Seq     uint64           `json:"seq,omitempty"` // of the newest record that is told of
	Summary *machine.Summary `json:"summary,omitempty"`
	Existed bool             `json:"existed,omitempty"`
	Code    string           `json:"code,omitempty"`
	Error   string           `json:"error,omitempty"`
	Hint    string           `json:"hint,omitempty"`
}

// The types of lines that no update has.
const (
	LineAccepted = "accepted"
	LineStanding = "standing"
	LineFinished = "run_finished"
	LineError    = "error"
)

// depth is how many updates wait for one that listens: all of a run of 10,000 tasks. Only who is behind costs memory, some
// 200 bytes an update.
const depth = 1 << 16

// A telling is one stream.
type telling struct {
	s    *Server
	run  string
	out  *bufio.Writer
	enc  *json.Encoder
	ctrl *http.ResponseController
	told uint64 // updates of records up to this seq are told of already
	err  error  // the caller has gone
}

// stream answers with what becomes of a run until it is over: after accepted and where it stands, if they are given.
// The listener has heard of it from before that.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, l *runner.Listener, run string, accepted *Accepted, stands *Standing) error {
	w.Header().Set("Content-Type", jsonLines)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	t := &telling{s: s, run: run, out: bufio.NewWriterSize(w, 16<<10), ctrl: http.NewResponseController(w)}
	t.enc = json.NewEncoder(t.out)
	t.enc.SetEscapeHTML(false)
	if accepted != nil {
		t.line(Line{Update: runner.Update{Type: LineAccepted, At: s.conf.Now(), Run: run, State: string(accepted.State)}, Existed: accepted.Existed})
	}
	if stands != nil && t.stands(*stands) {
		t.flush()
		return nil
	}
	t.flush()
	t.follow(r.Context(), l)
	t.flush()
	return nil
}

func (t *telling) line(l Line) {
	if t.err == nil {
		t.err = t.enc.Encode(l)
	}
}

func (t *telling) flush() {
	if t.err != nil {
		return
	}
	_ = t.ctrl.SetWriteDeadline(time.Now().Add(answerTime))
	if t.err = t.out.Flush(); t.err == nil {
		t.err = t.ctrl.Flush()
	}
}

// stands tells where a run stands; true if it is over.
func (t *telling) stands(at Standing) bool {
	t.told = at.Seq
	sum := at.Summary
	t.line(Line{Update: runner.Update{Type: LineStanding, At: t.s.conf.Now(), Run: t.run, State: string(sum.State)}, Seq: at.Seq, Summary: &sum})
	if sum.State.Terminal() && !sum.FinishedAt.IsZero() {
		t.finished(sum)
		return true
	}
	return false
}

func (t *telling) finished(sum machine.Summary) {
	t.line(Line{
		Update: runner.Update{Type: LineFinished, At: sum.FinishedAt, Run: t.run, State: string(sum.State), Reason: sum.Reason}, Summary: &sum,
	})
}

// An ended is what Wait said of a run.
type ended struct{ sum machine.Summary }

func (ended) Error() string { return "the run has ended" }

// caughtUp says that nothing waits to be told.
var caughtUp = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// follow passes updates on until the run is over, the server ends, or the caller has gone.
func (t *telling) follow(asked context.Context, l *runner.Listener) {
	ctx, cancel := context.WithCancelCause(asked)
	defer cancel(nil)
	go func() {
		sum, err := t.s.conf.Engine.Wait(ctx, t.run)
		if err == nil {
			err = ended{sum}
		}
		cancel(err) // what was heard before still comes
	}()
	for t.err == nil {
		u, err := l.Next(caughtUp)
		if errors.Is(err, context.Canceled) {
			t.flush()
			u, err = l.Next(ctx)
		}
		switch {
		case err == nil:
			if t.update(u) {
				return
			}
		case errors.Is(err, runner.ErrSlow):
			l = t.s.conf.Hub.Listen(t.run, depth)
			defer l.Close()
			at, err := t.s.conf.Engine.Look(asked, t.run)
			if err != nil {
				t.ends(err)
				return
			}
			if t.stands(at) {
				return
			}
		default:
			t.ends(err)
			return
		}
	}
}

// update passes one on; true if it is the last.
func (t *telling) update(u runner.Update) bool {
	if u.Seq > 0 && u.Seq <= t.told {
		return false
	}
	t.line(Line{Update: u, Seq: u.Seq, Summary: u.Summary})
	return u.Type == LineFinished
}

// ends tells why nothing more comes.
func (t *telling) ends(err error) {
	var over ended
	if errors.As(err, &over) {
		if over.sum.State.Terminal() {
			t.finished(over.sum)
			return
		}
		err = runner.ErrDriven
	}
	if errors.Is(err, context.Canceled) {
		return // the caller has gone
	}
	_, p := problemOf(err)
	t.line(Line{
		Update: runner.Update{Type: LineError, At: t.s.conf.Now(), Run: t.run},
		Code:   p.Code, Error: "cannot tell more of run " + t.run + ": " + p.Error, Hint: p.Hint,
	})
}
