package python

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weft/plugins"
)

// helperEnv names the file of the helperTask that this program, started again by a test, carries out.
const helperEnv = "WEFT_TEST_PYTHON_TASK"

// A helperTask is one call of the plugin in a process of its own, as another weft would make it.
type helperTask struct {
	Cache, Dir, TmpDir, Output, Log string

	Groups string // the file into which the helper writes the process groups it starts, a line each
	Input  json.RawMessage
	Env    []string
}

func TestMain(m *testing.M) {
	if path := os.Getenv(helperEnv); path != "" {
		if err := carryOutTask(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func carryOutTask(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var h helperTask
	if err := json.Unmarshal(b, &h); err != nil {
		return err
	}
	log, err := os.OpenFile(h.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	groups, err := os.OpenFile(h.Groups, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = Plugin{Cache: h.Cache}.Run(context.Background(), &plugins.Call{
		Input: h.Input, Env: h.Env, Dir: h.Dir, TmpDir: h.TmpDir, Output: h.Output, Log: log,
		Grace: time.Second, Now: time.Now,
		Started: func(pid int) { fmt.Fprintln(groups, pid) },
		Logf:    func(format string, args ...any) { fmt.Fprintf(log, "[weft] "+format+"\n", args...) },
	})
	return err
}

// A helper is a started process with its task.
type helper struct {
	task helperTask
	cmd  *exec.Cmd
	said strings.Builder
}

// startHelper starts a process that makes the call.
func startHelper(t *testing.T, cache string, call *plugins.Call) *helper {
	t.Helper()
	h := &helper{task: helperTask{
		Cache: cache, Dir: call.Dir, TmpDir: call.TmpDir, Output: call.Output, Log: call.Log.Name(),
		Groups: filepath.Join(call.TmpDir, "groups"), Input: call.Input, Env: call.Env,
	}}
	b, err := json.Marshal(h.task)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(call.TmpDir, "task.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	h.cmd = exec.Command(os.Args[0])
	h.cmd.Env = append(os.Environ(), helperEnv+"="+path)
	h.cmd.Stderr = &h.said
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		h.killGroups()
	})
	return h
}

// killGroups kills whatever the helper has started, and waits until the groups are empty.
func (h *helper) killGroups() {
	for _, pid := range h.groups() {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

func (h *helper) groups() []int {
	b, _ := os.ReadFile(h.task.Groups)
	var list []int
	for field := range strings.FieldsSeq(string(b)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
			list = append(list, pid)
		}
	}
	return list
}
