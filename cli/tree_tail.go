package cli

import (
	"bytes"
	"io"
	"os"
	"strings"

	"weft/runner"
)

// tailBytes is how much of a log's end is looked at.
const tailBytes = 64 << 10

// A logTail returns the last lines of a log; no lines where there is none.
type logTail func(path string, lines int) []string

// last is the last line that is not blank and not weft's own.
func (t logTail) last(path string) string {
	if t == nil {
		return ""
	}
	lines := t(path, 5)
	for i := len(lines) - 1; i >= 0; i-- {
		if s := strings.TrimSpace(lines[i]); s != "" && !strings.HasPrefix(s, runner.LogPrefix) {
			return s
		}
	}
	return ""
}

// tailFile reads the last lines of a file, however long it is. Of a line that was drawn over
// (carriage returns of a progress bar) the last drawing counts.
func tailFile(path string, lines int) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil // not begun yet, or cleaned up: there is nothing to show
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	from := max(end-tailBytes, 0)
	body := make([]byte, end-from)
	n, err := f.ReadAt(body, from)
	if err != nil && err != io.EOF {
		return nil
	}
	if _, err := os.Lstat(path); err != nil {
		return nil // it has become another attempt's: see logs
	}
	body = body[:n]
	if from > 0 { // the first line is cut
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			body = body[i+1:]
		}
	}
	text := strings.TrimRight(strings.ToValidUTF8(string(body), "\ufffd"), "\r\n")
	if text == "" {
		return nil
	}
	all := strings.Split(text, "\n")
	all = all[max(len(all)-lines, 0):]
	for i, l := range all {
		l = strings.TrimRight(l, "\r")
		all[i] = l[strings.LastIndexByte(l, '\r')+1:]
	}
	return all
}
