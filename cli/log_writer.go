package cli

import (
	"fmt"
	"io"
	"sync"

	"weft/logs"
)

// A logWriter writes several logs to one place, each run of pieces of one log under a heading where
// there can be more than one. A log's bytes are never changed, but at a terminal, where they go
// through logs.Terminal; a line end is put in only where another log, or the end, cuts a line.
type logWriter struct {
	out      io.Writer
	heads    bool
	terminal bool // someone looks at it
	plain    bool // without colours

	mu    sync.Mutex
	last  *logPart // who wrote last
	fresh bool     // what was written ends with a line end, or is nothing
}

func (e *env) logWriter(heads bool) *logWriter {
	return &logWriter{out: e.stdout, heads: heads, terminal: isTerminal(e.stdout), plain: !e.color, fresh: true}
}

// of returns the way of one log.
func (w *logWriter) of(id logs.ID) io.Writer {
	p := &logPart{w: w, id: id}
	if w.terminal {
		p.term = logs.NewTerminal(lineEnds{w}, w.plain)
	}
	return p
}

// A logPart is one log's way to the logWriter.
type logPart struct {
	w    *logWriter
	id   logs.ID
	term *logs.Terminal // nil = byte by byte
}

// Write implements io.Writer.
func (p *logPart) Write(b []byte) (int, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if p.w.last != p {
		if err := p.w.turn(p); err != nil {
			return 0, err
		}
	}
	if p.term != nil {
		return p.term.Write(b)
	}
	return lineEnds{p.w}.Write(b)
}

// turn ends the piece of the log before, and writes the heading of this one.
func (w *logWriter) turn(p *logPart) error {
	if err := w.finish(); err != nil {
		return err
	}
	w.last = p
	if !w.heads {
		return nil
	}
	name := p.id.Task
	if p.id.Index >= 0 {
		name = fmt.Sprintf("%s[%d]", name, p.id.Index)
	}
	_, err := fmt.Fprintf(w.out, "==> %s, attempt %d\n", name, p.id.Attempt)
	w.fresh = true
	return err
}

// finish ends the last piece: its colours, and under headings its line.
func (w *logWriter) finish() error {
	if w.last != nil && w.last.term != nil {
		if err := w.last.term.Reset(); err != nil {
			return err
		}
	}
	if w.fresh || !w.heads {
		return nil
	}
	w.fresh = true
	_, err := io.WriteString(w.out, "\n")
	return err
}

// end is called when all is written.
func (w *logWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.finish() // who reads it has gone, or has it all
}

// lineEnds writes to a logWriter's place, and notes where a line is left open.
type lineEnds struct{ w *logWriter }

// Write implements io.Writer.
func (l lineEnds) Write(b []byte) (int, error) {
	if len(b) > 0 {
		l.w.fresh = b[len(b)-1] == '\n'
	}
	return l.w.out.Write(b)
}
