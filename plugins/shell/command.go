package shell

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weft/plugins"
	"weft/proc"
)

// fileFrom is the length of a script from which on it is passed by file: the kernel takes no
// argument over 128 KiB. Shorter ones go by `-c`, which writes and removes no file; the shell names
// lines in its messages either way.
const fileFrom = 64 << 10

// scriptFile is the name under the scratch folder of a script that is passed by file.
const scriptFile = ".weft_script"

// words is text, or a list of texts.
type words struct {
	text   string
	list   []string
	isList bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (w *words) UnmarshalJSON(b []byte) error {
	if w.isList = bytes.HasPrefix(b, []byte{'['}); w.isList {
		return json.Unmarshal(b, &w.list)
	}
	return json.Unmarshal(b, &w.text)
}

// A command is what a process runs.
type command struct {
	argv   []string
	script int // where in argv a script is that bash or sh runs as we call them; 0 = nowhere
}

// commandOf makes the command that carries out the input.
func commandOf(call *plugins.Call) (c command, err error) {
	var in struct {
		Run   *words `json:"run"`
		Shell *words `json:"shell"`
	}
	if err := json.Unmarshal(call.Input, &in); err != nil || in.Run == nil {
		return c, plugins.Errorf(plugins.BadInput, "cannot read the input of shell: run must be text or a list of texts")
	}
	if in.Run.isList {
		if len(in.Run.list) == 0 {
			return c, plugins.Errorf(plugins.BadInput, "cannot run: the list is empty")
		}
		return command{argv: in.Run.list}, nil
	}
	if strings.IndexByte(in.Run.text, 0) >= 0 {
		return c, plugins.Errorf(plugins.BadInput, "cannot run the script: it holds a NUL byte")
	}
	shell, err := chooseShell(in.Shell, call)
	if err != nil {
		return c, err
	}
	switch {
	case slices.ContainsFunc(shell, hasPlace):
		c.argv, err = byFile(shell, in.Run.text, call)
	case len(in.Run.text) >= fileFrom:
		c.argv, err = byFile(append(shell, "{0}"), in.Run.text, call)
	default:
		c.argv, c.script = append(shell, "-c", in.Run.text, title(call.Env)), len(shell)+1
	}
	return c, err
}

func hasPlace(arg string) bool { return strings.Contains(arg, "{0}") }

// chooseShell returns the shell of the input, else of the call, else bash, else sh. Named ones come
// with the options under which the first command that fails ends the script.
func chooseShell(asked *words, call *plugins.Call) ([]string, error) {
	name := ""
	switch {
	case asked != nil && asked.isList:
		return ownShell(asked.list)
	case asked != nil:
		name = asked.text
	case len(call.Shell) == 1:
		name = call.Shell[0]
	case len(call.Shell) > 1:
		return ownShell(call.Shell)
	case proc.LookPath("bash", call.Dir, call.Env) != "":
		name = "bash"
	default:
		name = "sh"
	}
	switch name {
	case "bash":
		return []string{"bash", "-eo", "pipefail"}, nil
	case "sh":
		return []string{"sh", "-e"}, nil
	}
	e := plugins.Errorf(plugins.BadInput, "cannot use %q as a shell", name)
	e.Hint = "it is bash, sh, or a list with {0} for the script's file"
	return nil, e
}

func ownShell(argv []string) ([]string, error) {
	if !slices.ContainsFunc(argv, hasPlace) {
		e := plugins.Errorf(plugins.BadInput, "cannot use %q as a shell: nothing in it stands for the script", strings.Join(argv, " "))
		e.Hint = "add {0}, which becomes the script's file"
		return nil, e
	}
	return argv, nil
}

// byFile writes the script into the scratch folder and puts its path in place of {0}.
func byFile(shell []string, script string, call *plugins.Call) ([]string, error) {
	path := filepath.Join(call.TmpDir, scriptFile)
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		return nil, plugins.Errorf(plugins.Temporary, "cannot write the script: %w", err)
	}
	argv := make([]string, len(shell))
	for i, arg := range shell {
		argv[i] = strings.ReplaceAll(arg, "{0}", path)
	}
	return argv, nil
}

// title is what a script sees as $0 and the shell puts before its messages: the task's id.
func title(env []string) string {
	for _, kv := range env {
		if id, ok := strings.CutPrefix(kv, "WEFT_TASK_ID="); ok && id != "" {
			return id
		}
	}
	return "script"
}
