package python

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"

	"weft/plugins"
)

const (
	// inMemory is the size up to which an output is held in memory; larger ones stay in the file.
	inMemory = 64 << 10
	// maxLines bounds a file of name=value lines.
	maxLines = 4 << 20
)

// written takes the output from its file: the return value that runner.py left, else what the
// script wrote there itself, JSON or lines, as any process may (language, section 4). No file, or
// nothing but blanks: null.
func written(path string) (plugins.Result, error) {
	exit := 0
	r := plugins.Result{Exit: &exit}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo put there must not hold us up
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, plugins.UnreadableOutput(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return r, plugins.UnreadableOutput(err)
	}
	if !info.Mode().IsRegular() {
		return r, plugins.IrregularOutput(info.Mode())
	}
	if info.Size() > inMemory {
		var first [1]byte
		if _, err := f.ReadAt(first[:], 0); err != nil {
			return r, plugins.UnreadableOutput(err)
		}
		if !plugins.IsOutputName(string(first[:])) { // JSON, if anything; whoever reads it checks
			r.OutputFile = path
			return r, nil
		}
		if info.Size() > maxLines {
			return r, plugins.OutputErrorf("it is too long for name=value lines (%d bytes)", info.Size())
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLines))
	if err != nil {
		return r, plugins.UnreadableOutput(err)
	}
	switch {
	case len(bytes.TrimSpace(b)) == 0:
	case json.Valid(b) || plugins.MeansJSON(b): // whoever takes it says what is wrong
		r.Output = bytes.TrimSpace(b)
	default:
		r.Text = true
		r.Output, err = plugins.ParseOutputLines(string(b))
	}
	return r, err
}
