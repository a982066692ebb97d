package plugins

import "os"

// A Stream is where a process writes what it says: the log itself, or, for a task with secrets, a
// pipe on whose way to the log they are masked.
type Stream struct {
	File *os.File // for the process's stdout, stderr or both
	// Close ends the pipe and returns the end of what was written to it, as it was written; nil of the
	// log itself. It may be called more than once.
	Close func() (tail []byte, whole bool)
}

// Stream opens a way into the log for one process. Of a pipe the last bytes are remembered, keep of
// them, for End to return. The caller calls End when nothing writes any more; proc.Run returns then.
func (c *Call) Stream(keep int) (*Stream, error) {
	if c.Tap == nil {
		return &Stream{File: c.Log}, nil
	}
	s, err := c.Tap(keep)
	if err != nil {
		return nil, Errorf(Temporary, "cannot open a pipe to the log: %w", err)
	}
	return s, nil
}

// End ends the stream. Of a pipe it returns the end of what was written, unmasked: no byte of it may
// go anywhere but into the Result or an error. whole tells that there was no more.
func (s *Stream) End() (tail []byte, whole bool) {
	if s.Close == nil {
		return nil, false
	}
	return s.Close()
}
