package secrets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// from reads a source of the table of weft.yaml.
func (r *Resolver) from(ctx context.Context, source string) (string, error) {
	kind, what, _ := strings.Cut(source, ":")
	switch kind {
	case "file":
		value, err := readFile(what)
		if err != nil {
			err = fmt.Errorf("file %s: %w", what, err)
		}
		return value, err
	case "env":
		value, ok := r.env(what)
		if !ok {
			return "", fmt.Errorf("the variable %s is not set where weft runs", what)
		}
		return value, nil
	case "secretsmanager", "ssm":
		return r.fetch(ctx, source, kind, what)
	}
	return "", errors.New("its source is no file, env, secretsmanager or ssm")
}

// EnvNames are the variables of weft's environment that hold secrets by other names than
// WEFT_SECRET_…: what a task's process must not inherit.
func (r *Resolver) EnvNames() []string {
	var names []string
	for _, source := range r.Sources {
		if name, ok := strings.CutPrefix(source, "env:"); ok {
			names = append(names, name)
		}
	}
	return names
}

// readFile reads a secret that has a file to itself: all of it, but for one line end behind it.
func readFile(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo must not hold us up
	if err != nil {
		return "", plain(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", plain(err)
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is no file")
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxValue+3))
	if err != nil {
		return "", plain(err)
	}
	text, ended := strings.CutSuffix(string(b), "\n")
	if ended {
		text = strings.TrimSuffix(text, "\r")
	}
	return text, nil
}

// plain drops the system call's name and the path from an error: the caller's sentence has both.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no such file")
	}
	return err
}
