package shell

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// maxLine is the longest last line that is taken as an output. It is below half of the smallest
// sensible cap of a log, whose middle may be gone.
const maxLine = 16 << 20

// errTooLong: the last line is longer than maxLine, or part of it is left out of the log.
var errTooLong = errors.New("the last line is too long")

// lastLine returns the last line that was written to stdout, without its end; nil if nothing was.
//
// Stdout and stderr are two descriptions of one file, both O_APPEND. The kernel sets the offset of
// a description to the end of each of its writes, so the offset of stdout is where stdout's last
// write ended, whatever stderr has written since; nobody has to copy what the process says. What
// stderr writes into the midst of a line of stdout that comes in pieces stands in that line, as it
// does in the log. A process that opens /dev/stdout itself has an offset of its own, which we
// cannot see.
func lastLine(stdout *os.File) (*io.SectionReader, error) {
	end, err := stdout.Seek(0, io.SeekCurrent)
	if err != nil || end == 0 {
		return nil, err
	}
	info, err := stdout.Stat()
	if err != nil {
		return nil, err
	}
	end = min(end, info.Size()) // somebody may have truncated the log
	end -= trailing(stdout, end)
	start, err := lineStart(stdout, end)
	if err != nil {
		return nil, err
	}
	if holed(stdout, start, end) {
		return nil, errTooLong
	}
	return io.NewSectionReader(stdout, start, end-start), nil
}

// trailing returns the length of the line end, "\n" or "\r\n", before an offset.
func trailing(f io.ReaderAt, end int64) int64 {
	var b [2]byte
	n := min(end, 2)
	if _, err := f.ReadAt(b[2-n:], end-n); err != nil || b[1] != '\n' {
		return 0
	}
	if n == 2 && b[0] == '\r' {
		return 2
	}
	return 1
}

// lineStart returns where the line that ends at an offset begins.
func lineStart(f io.ReaderAt, end int64) (int64, error) {
	buf := make([]byte, 32<<10)
	for to := end; to > 0; {
		if end-to > maxLine {
			return 0, errTooLong
		}
		b := buf[:min(to, int64(len(buf)))]
		from := to - int64(len(b))
		if _, err := f.ReadAt(b, from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		to = from
	}
	return 0, nil
}
