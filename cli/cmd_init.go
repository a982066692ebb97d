package cli

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// hello is the first DAG of a new project.
//
//go:embed hello.yaml
var hello []byte

func initCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "begin a project: a first DAG, and what editors need",
		Long: `Begin a project in DIR (here, without one): a first DAG in dags/hello.yaml, its
schema for editors, and a line in .gitignore for weft's state. What is there is
left as it is, but for the schema: in a fresh clone, or with a newer weft, init makes
that anew.`,
		Example: `  weft init my-flows`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("name one folder")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return e.init(dir)
		},
	}
}

// init makes what is not there yet.
func (e *env) init(dir string) error {
	body, err := e.schema()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path string
		body []byte
		what string
	}{
		{filepath.Join("dags", "hello.yaml"), hello, "a first DAG"},
		{schemaPath, body, "the schema its first line names, for editors"},
	} {
		if err := e.create(filepath.Join(dir, f.path), f.body, f.what); err != nil {
			return err
		}
	}
	if err := e.ignore(filepath.Join(dir, ".gitignore")); err != nil {
		return err
	}
	next := "weft run dags/hello.yaml"
	if dir != "." {
		next = "cd " + shellWord(dir) + " && " + next
	}
	fmt.Fprintf(e.stdout, "\nnext:  %s\n", next)
	return nil
}

// create makes a file that is not there; one that is stays.
func (e *env) create(path string, body []byte, what string) error {
	mode := fs.FileMode(0o755)
	if filepath.Base(filepath.Dir(path)) == ".weft" {
		mode = 0o700 // as the state folder is
	}
	if err := os.MkdirAll(filepath.Dir(path), mode); err != nil {
		return fmt.Errorf("cannot make folder %s: %w", filepath.Dir(path), cause(err))
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		if had, err := os.ReadFile(path); strings.HasSuffix(path, schemaPath) && err == nil && !bytes.Equal(had, body) {
			return e.renew(path, body)
		}
		fmt.Fprintf(e.stdout, "kept   %s  (it was there)\n", path)
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot make %s: %w", path, cause(err))
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	fmt.Fprintf(e.stdout, "made   %s  (%s)\n", path, what)
	return nil
}

// schemaPath is the schema's place in a project, in the state folder: it belongs to a weft, not to
// the project.
var schemaPath = filepath.Join(".weft", "dag.schema.json")

// renew puts a file in the place of one that is of another weft.
func (e *env) renew(path string, body []byte) error {
	if err := os.WriteFile(path, body, 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	fmt.Fprintf(e.stdout, "made   %s  (anew: it was another weft's)\n", path)
	return nil
}

// ignoreLine keeps weft's state out of version control.
const ignoreLine = ".weft/"

func (e *env) ignore(path string) error {
	body, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read %s: %w", path, cause(err))
	}
	for line := range strings.Lines(string(body)) {
		switch strings.TrimSpace(line) {
		case ".weft", ignoreLine, "/.weft", "/.weft/":
			fmt.Fprintf(e.stdout, "kept   %s  (it ignores .weft/)\n", path)
			return nil
		}
	}
	line := ignoreLine + "\n"
	if len(body) > 0 && body[len(body)-1] != '\n' {
		line = "\n" + line
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("cannot open %s: %w", path, cause(err))
	}
	_, err = f.WriteString(line)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	fmt.Fprintf(e.stdout, "made   %s  (a line for .weft/, weft's state)\n", path)
	return nil
}

// cause is what the system says, without the call and the path that the message has already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
