package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"weft/config"
)

// checkSettings checks the settings files among what validate was asked for, as settings: weft.yaml is no DAG, and
// read as one its keys would be taken for misspelt ones. It returns the other paths, and how many it checked.
func (e *env) checkSettings(paths []string, stdinName string) (others []string, n int, err error) {
	if filepath.Base(stdinName) == config.FileName && slices.Contains(paths, stdinPath) {
		return nil, 0, usagef("%s holds settings and is no DAG: name the file itself", config.FileName)
	}
	for _, p := range paths {
		if info, failed := os.Stat(p); filepath.Base(p) != config.FileName || failed != nil || info.IsDir() {
			others = append(others, p)
			continue
		}
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, 0, cannotRead(p, err)
		}
		dir, err := os.Getwd()
		if err != nil {
			return nil, 0, fmt.Errorf("cannot find the working directory: %w", err)
		}
		if _, err := config.Load(config.Source{Dir: dir, File: abs, Code: settable, Syntax: settingsSyntax}); err != nil {
			return nil, 0, err
		}
		n++
	}
	return others, n, nil
}

// settled says that there was nothing but settings to check, and that they are in order.
func (v *verdict) settled(n int) error {
	if v.format.Document {
		return v.report(nil)
	}
	said := config.FileName + " holds settings, and they are in order\n"
	if n > 1 {
		said = fmt.Sprintf("%d files named %s hold settings, and they are in order\n", n, config.FileName)
	}
	_, err := io.WriteString(v.out, said)
	return err
}
