package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"weft/expr"
	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// An output is what a call gave, read and found to be JSON; of a value above maxValue only the file.
type output struct {
	raw   []byte // compact JSON; nil = null
	value any    // the same, decoded, where something asks for it
	file  string // instead of both
	size  int64  // of the file
	wrong error  // it is not what `outputs` declares
	line  bool   // it is the last line of stdout
}

// take reads the output of a call that succeeded. Text is typed by `outputs`; what cannot be is
// left as it is, and wrong says so: a sensor's output counts only once it holds.
func (a *attempt) take(res plugins.Result) (*output, error) {
	declared := len(a.o.Task.Outputs) > 0
	out, err := readOutput(res, declared)
	if err != nil {
		return nil, wrongOutput(err)
	}
	if out.file != "" || !declared && !a.asks() {
		return out, nil
	}
	if out.raw != nil {
		if out.value, err = expr.DecodeJSON(out.raw); err != nil {
			return nil, wrongOutput(notJSON(out.raw, err))
		}
	}
	changed, err := a.declared(out, res.Text)
	if err != nil || !changed {
		return out, err
	}
	out.raw, err = expr.EncodeJSON(out.value)
	return out, err
}

// wrongOutput is the failure of an output that cannot be kept. It is `remote`, what the work gave
// back: a retry may give something else.
func wrongOutput(err error) error {
	return plugins.Errorf(plugins.Remote, "cannot take the output: %w", err)
}

func readOutput(res plugins.Result, declared bool) (*output, error) {
	raw := []byte(res.Output)
	if res.OutputFile != "" {
		info, err := os.Stat(res.OutputFile)
		if err != nil {
			return nil, bare(err)
		}
		if !info.Mode().IsRegular() { // reading a pipe could wait for ever
			return nil, fmt.Errorf("%s is no file", res.OutputFile)
		}
		if info.Size() > maxValue {
			return largeFile(res, info.Size(), declared)
		}
		if raw, err = os.ReadFile(res.OutputFile); err != nil {
			return nil, bare(err)
		}
		if res.Text {
			return textOutput(raw)
		}
	}
	return jsonOutput(raw)
}

func textOutput(raw []byte) (*output, error) {
	if err := checkUTF8(raw); err != nil {
		return nil, err
	}
	text, err := expr.EncodeJSON(string(raw))
	return &output{raw: text}, err
}

// jsonOutput keeps the value as it was written, but for the space between its parts: numbers keep
// every digit.
func jsonOutput(raw []byte) (*output, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return &output{}, nil
	}
	if err := checkUTF8(raw); err != nil {
		return nil, err
	}
	if err := checkJSON(bytes.NewReader(raw)); err != nil {
		return nil, notJSON(raw, err)
	}
	if err := expr.WholeText(raw); err != nil {
		return nil, err
	}
	var tight bytes.Buffer
	tight.Grow(len(raw))
	if err := json.Compact(&tight, raw); err != nil {
		return nil, notJSON(raw, err)
	}
	return &output{raw: tight.Bytes()}, nil
}

// largeFile checks a file without holding it in memory.
func largeFile(res plugins.Result, size int64, declared bool) (*output, error) {
	if declared {
		return nil, fmt.Errorf("it has %d bytes, and outputs can be checked in %d at most", size, maxValue)
	}
	if res.Text {
		return nil, fmt.Errorf("it is a text of %d bytes, at most %d are taken (write JSON, or keep it as an artifact)", size, maxValue)
	}
	f, err := os.Open(res.OutputFile)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	if err := checkJSON(&utf8Reader{r: f}); err != nil {
		return nil, notJSON(nil, err)
	}
	return &output{file: res.OutputFile, size: size}, nil
}

// keep puts an output where it belongs: with the run, or, above InlineLimit, into the handoff.
func (a *attempt) keep(ctx context.Context, out *output) (machine.Raw, *machine.Ref, error) {
	var r io.ReadSeeker = bytes.NewReader(out.raw)
	size := int64(len(out.raw))
	if out.file != "" {
		f, err := os.Open(out.file)
		if err != nil {
			return nil, nil, wrongOutput(bare(err))
		}
		defer f.Close()
		r, size = f, out.size
	}
	what := "the output"
	if out.line { // many scripts say more on stdout than they mean to give
		what = "the output, the last line of stdout"
	}
	if err := a.mayKeep(what, r); err != nil {
		return nil, nil, err
	}
	if out.file == "" && size <= machine.InlineLimit {
		return out.raw, nil, nil
	}
	ref, err := a.x.spill(ctx, handoffKey(a.o, "output.json"), a.o, r, size)
	if err != nil && ctx.Err() != nil {
		err = stopped(context.Cause(ctx))
	}
	return nil, ref, err
}

func (x *Executor) spill(ctx context.Context, key string, o machine.Order, r io.Reader, size int64) (*machine.Ref, error) {
	b, err := x.place(o)
	if err != nil {
		return nil, &plugins.Error{Kind: plugins.BadInput, Err: err}
	}
	ref, err := b.Put(ctx, key, r, size)
	if err != nil {
		return nil, &plugins.Error{Kind: notPut(err), Err: err}
	}
	return &ref, nil
}

// notPut is the kind of a value that could not be put: its place may take it later, unless it is too large
// for it.
func notPut(err error) plugins.Kind {
	if errors.Is(err, handoff.ErrTooLarge) {
		return plugins.Remote
	}
	return plugins.Temporary
}

// notJSON says why an output is no JSON that can be kept.
func notJSON(raw []byte, err error) error {
	for _, word := range []string{"NaN", "Infinity"} {
		var syntax *json.SyntaxError
		if (errors.As(err, &syntax) || errors.Is(err, plugins.ErrNoJSON)) && bytes.Contains(raw, []byte(word)) {
			return fmt.Errorf("JSON has no %s (write null or a text)", word)
		}
	}
	return err
}
