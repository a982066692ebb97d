package shell

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"weft/plugins"
)

// inMemory is the size up to which an output is held in memory. Larger ones stay in a file, which
// the caller moves to where large outputs go: hundreds of tasks may end at once.
const inMemory = 64 << 10

// maxLines bounds a file of name=value lines, which has to be held in memory. JSON has no bound here.
const maxLines = 4 << 20

// output takes what a process that succeeded leaves: the file, else the last line of stdout.
func output(call *plugins.Call, out streams, code int) (plugins.Result, error) {
	r, found, err := fromFile(call.Output)
	if err == nil && !found {
		r, err = fromStdout(call, out)
	}
	if err != nil {
		return plugins.Result{}, err
	}
	r.Exit = &code
	return r, nil
}

// fromFile reads $WEFT_OUTPUT: JSON if it parses, else lines. found is false if there is no such
// file or nothing but blanks in it.
func fromFile(path string) (r plugins.Result, found bool, err error) {
	if path == "" {
		return r, false, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo put there must not hold us up
	if errors.Is(err, os.ErrNotExist) {
		return r, false, nil
	}
	if err != nil {
		return r, false, plugins.UnreadableOutput(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return r, false, plugins.UnreadableOutput(err)
	}
	if !info.Mode().IsRegular() {
		return r, false, plugins.IrregularOutput(info.Mode())
	}
	if info.Size() > inMemory {
		var first [1]byte
		_, err := f.ReadAt(first[:], 0)
		if err == nil && plugins.MeansJSON(first[:]) || isJSON(f) {
			return plugins.Result{OutputFile: path}, true, nil
		}
	}
	if info.Size() > maxLines {
		return r, false, plugins.OutputErrorf("it is no JSON, and too long for name=value lines (%d bytes)", info.Size())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return r, false, plugins.UnreadableOutput(err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLines))
	if err != nil {
		return r, false, plugins.UnreadableOutput(err)
	}
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return r, false, nil
	case json.Valid(b) || plugins.MeansJSON(b): // whoever takes it says what is wrong
		return plugins.Result{Output: bytes.TrimSpace(b)}, true, nil
	}
	out, err := plugins.ParseOutputLines(string(b))
	return plugins.Result{Output: out, Text: true}, true, err
}

// isJSON tells whether a file holds one JSON value, without holding the file in memory. How deep one
// may be is for whoever takes it.
func isJSON(r io.Reader) bool { return plugins.ScanJSON(r, 1<<20) == nil }

// fromStdout makes the last line of stdout the output, as text; null if nothing was written. Bytes
// that are not UTF-8 become U+FFFD.
func fromStdout(call *plugins.Call, out streams) (plugins.Result, error) {
	line, err := out.last()
	if errors.Is(err, errTooLong) {
		if call.Logf != nil {
			call.Logf("the last line of stdout is too long to be the output (over %d MiB); write it to $WEFT_OUTPUT", out.most>>20)
		}
		return plugins.Result{}, nil
	}
	if err == nil && line == nil {
		return plugins.Result{}, nil
	}
	var r plugins.Result
	if err == nil && line.Size() > inMemory && out.inLog {
		r = plugins.Result{OutputFile: filepath.Join(call.TmpDir, lineFile), Text: true}
		err = writeValid(r.OutputFile, line)
	} else if err == nil {
		var b []byte
		if b, err = io.ReadAll(line); err == nil {
			r.Text = true
			r.Output, err = plugins.EncodeOutput(strings.ToValidUTF8(string(b), "\ufffd"))
		}
	}
	if err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.Temporary, "cannot read the last line of stdout: %w", err)
	}
	return r, nil
}

// lineFile is the name under the scratch folder of a last line that is too large for memory.
const lineFile = ".weft_last_line"

// writeValid copies text to a file and replaces what is not UTF-8, piece by piece.
func writeValid(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	buf, kept := make([]byte, 32<<10), 0
	for {
		n, err := io.ReadFull(r, buf[kept:])
		last := err != nil
		if last && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		piece := buf[:kept+n]
		cut := len(piece)
		if !last {
			cut = wholeRunes(piece)
		}
		if _, err := f.Write(bytes.ToValidUTF8(piece[:cut], []byte("\ufffd"))); err != nil {
			return err
		}
		if last {
			return f.Close()
		}
		kept = copy(buf, piece[cut:])
	}
}

// wholeRunes returns the length of b without a rune at its end that may go on.
func wholeRunes(b []byte) int {
	for back := 1; back < utf8.UTFMax && back < len(b); back++ {
		if i := len(b) - back; utf8.RuneStart(b[i]) {
			if utf8.FullRune(b[i:]) {
				break
			}
			return i
		}
	}
	return len(b)
}
