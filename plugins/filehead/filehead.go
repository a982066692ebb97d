// Package filehead is the plugin file.head: whether a path exists, and its size and age.
package filehead

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"weft/plugins"
)

// Plugin looks at a path. That nothing is there is an answer, not an error.
type Plugin struct{}

var (
	_ plugins.Plugin    = Plugin{}
	_ plugins.InProcess = Plugin{}
)

//go:embed input.json
var input []byte

//go:embed output.json
var output []byte

// Name implements plugins.Plugin.
func (Plugin) Name() string { return "file.head" }

// InProcess implements plugins.InProcess.
func (Plugin) InProcess() {}

// PathInputs implements plugins.NamesFiles.
func (Plugin) PathInputs() (below, anywhere []string) { return nil, []string{"path"} }

// Schema implements plugins.Plugin.
func (Plugin) Schema() plugins.Schema {
	return plugins.Schema{Title: "Tells whether a file or folder exists, its size and age", Input: input, Output: output}
}

// A head is the output. Size and Modified are null where nothing is there.
type head struct {
	Exists   bool    `json:"exists"`
	Size     *int64  `json:"size"`
	Modified *string `json:"modified"`
}

// nothing is the output where nothing is.
var nothing = json.RawMessage(`{"exists":false,"size":null,"modified":null}`)

// Run implements plugins.Plugin.
func (Plugin) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct {
		Path string `json:"path"`
	}
	if err := json.Unmarshal(call.Input, &in); err != nil {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot read the input of file.head: path must be text")
	}
	if in.Path == "" || strings.IndexByte(in.Path, 0) >= 0 {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot look at path %q: it is empty or holds a NUL byte", in.Path)
	}
	path := in.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(call.Dir, path)
	}
	h, err := look(ctx, path)
	switch {
	case err != nil:
		return plugins.Result{}, err
	case !h.Exists: // the answer to nearly all that sensors ask
		return plugins.Result{Output: nothing}, nil
	}
	out, err := json.Marshal(h)
	return plugins.Result{Output: out}, err
}

// look asks the file system beside the caller: one that hangs (a dead network mount) must not keep
// the poke from ending, and no system call of it can be cut short.
func look(ctx context.Context, path string) (head, error) {
	type answer struct {
		head
		error
	}
	answered := make(chan answer, 1)
	if err := ctx.Err(); err != nil {
		return head{}, err
	}
	go func() {
		h, err := stat(path)
		answered <- answer{h, err}
	}()
	select {
	case a := <-answered:
		return a.head, a.error
	case <-ctx.Done():
		return head{}, ctx.Err()
	}
}

// stat follows symbolic links; one that leads nowhere is as if nothing were there. What cannot be
// looked at is temporary: someone may grant the right, or mount the disk, while a sensor waits.
func stat(path string) (head, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return head{}, nil
	}
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return head{}, plugins.Errorf(plugins.Temporary, "cannot look at %s: %w", path, err)
	}
	size, modified := info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano)
	return head{true, &size, &modified}, nil
}
