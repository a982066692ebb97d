package shell

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"weft/plugins"
	"weft/proc"
)

// streams are what a process gets for stdout and stderr, and how its last line is found afterwards.
type streams struct {
	stdout, stderr *os.File
	inLog          bool // they are the log itself
	most           int  // bytes of a last line
	// last returns the last line of stdout; see lastLine. To be called when the process has ended.
	last  func() (*io.SectionReader, error)
	close func()
}

// openStreams opens them: two descriptions of the log; for a task with secrets, two pipes.
func openStreams(call *plugins.Call) (streams, error) {
	if call.Tap != nil {
		return openPipes(call)
	}
	stdout, err := reopen(call.Log)
	if err != nil {
		return streams{}, plugins.Errorf(plugins.Temporary, "cannot open the log a second time: %w", err)
	}
	return streams{
		stdout: stdout, stderr: call.Log, inLog: true, most: maxLine,
		last:  func() (*io.SectionReader, error) { return lastLine(stdout) },
		close: func() { stdout.Close() },
	}, nil
}

// maxPiped is the longest last line that is taken from a pipe: it has to be held in memory, as what
// is not masked must not be on a disk.
const maxPiped = 1 << 20

func openPipes(call *plugins.Call) (streams, error) {
	const lineEnds = len("\n\r\n") // the one before the line, and its own
	stdout, err := call.Stream(maxPiped + lineEnds)
	if err != nil {
		return streams{}, err
	}
	stderr, err := call.Stream(0)
	if err != nil {
		stdout.End()
		return streams{}, err
	}
	return streams{
		stdout: stdout.File, stderr: stderr.File, most: maxPiped,
		last: func() (*io.SectionReader, error) { return lastOf(stdout.End()) },
		close: func() {
			stdout.End()
			stderr.End()
		},
	}, nil
}

// lastOf is lastLine for what is in memory: the end of what was written, and whether that is all.
func lastOf(said []byte, whole bool) (*io.SectionReader, error) {
	if len(said) == 0 {
		return nil, nil
	}
	line, ended := bytes.CutSuffix(said, []byte("\n"))
	if ended {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	start := bytes.LastIndexByte(line, '\n') + 1
	if line = line[start:]; len(line) > maxPiped || start == 0 && !whole {
		return nil, errTooLong
	}
	return io.NewSectionReader(bytes.NewReader(line), 0, int64(len(line))), nil
}

// reopen opens a log once more, with a file offset of its own, which stdout alone moves: see
// lastLine. What others write through call.Log does not count.
func reopen(log *os.File) (*os.File, error) {
	const flags = os.O_RDWR | os.O_APPEND
	if f, err := proc.OpenPlain(fmt.Sprintf("/proc/self/fd/%d", log.Fd()), flags, 0); err == nil {
		return f, nil
	}
	return os.OpenFile(log.Name(), flags, 0)
}
