package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/mattn/go-isatty"

	"weft/config"
	"weft/plugins"
	"weft/plugins/all"
	"weft/spec"
)

// An env is what every command works with. conf and plugins are there for every command but the
// bare ones, which must work whatever the configuration says.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	home, configFile string // --home, --config
	dags             string // --dags, of commands that look for one
	shellcheck       string // --shellcheck, of validate
	noColor          bool
	sandbox          bool // --sandbox, of commands that drive runs

	engine, temporalAddress, temporalNamespace string // --engine, --temporal-address, --namespace

	color   bool // of stdout
	conf    config.Config
	plugins *plugins.Registry
	lint    *linter // of scripts; nil = none is asked
	runs    *runs   // what dag.run and dag.wait ask; bound to a session once it drives
}

// prepare reads the configuration and lists the plugins.
func (e *env) prepare() error {
	e.color = e.colorOn(e.stdout)
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("cannot find the working directory: %w", err)
	}
	src := config.Source{Dir: dir, File: e.configFile, Env: os.LookupEnv, Flags: map[string]string{}, Code: settable, Syntax: settingsSyntax}
	if e.home != "" {
		src.Flags["home"] = e.home
	}
	if e.dags != "" {
		src.Flags["dags"] = e.dags
	}
	for key, value := range map[string]string{
		"shellcheck": e.shellcheck, "engine": e.engine, "temporal_address": e.temporalAddress, "temporal_namespace": e.temporalNamespace,
	} {
		if value != "" {
			src.Flags[key] = value
		}
	}
	if e.conf, err = config.Load(src); err != nil {
		return err
	}
	if err := becomeForAWS(e.conf.AWS); err != nil {
		return fmt.Errorf("cannot set the environment: %w", err)
	}
	policy, err := httpPolicy(e.conf.HTTP)
	if err != nil {
		return err
	}
	e.runs = &runs{}
	e.plugins = plugins.NewRegistry(all.Plugins(filepath.Join(e.conf.Home, cacheFolder), policy, e.runs)...)
	return nil
}

// options is what a DAG file in a folder is checked against. Pools and vars are known only where
// there is a configuration; without one, any may exist where the file will run.
func (e *env) options(fileExists func(rel string) bool) spec.Options {
	o := spec.Options{Plugins: known{e.plugins}, MaxInstances: e.conf.MaxInstances, FileExists: fileExists, Severities: severities(e.conf.Diagnostics)}
	if e.conf.File != "" {
		o.Pools, o.Vars = e.conf.Pools, e.conf.Vars
	}
	return o
}

// known shows the registry to the validator.
type known struct{ registry *plugins.Registry }

// Names implements spec.Plugins.
func (k known) Names() []string { return k.registry.Names() }

// Plugin implements spec.Plugins.
func (k known) Plugin(name string) (spec.PluginInfo, bool) {
	p := k.registry.Get(name)
	if p == nil {
		return spec.PluginInfo{}, false
	}
	_, sensor := p.(plugins.Sensor)
	_, endless := p.(plugins.Endless)
	_, remote := p.(plugins.RemoteWork)
	s := p.Schema()
	return spec.PluginInfo{Name: name, Title: s.Title, Input: s.Input, Output: s.Output, Sensor: sensor, Endless: endless, Remote: remote}, true
}

// printJSON writes a value for programs, indented.
func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(jsonText{e.stdout})
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	return nil
}

// printLine writes a value for programs on one line, as --json output is elsewhere.
func (e *env) printLine(v any) error {
	enc := json.NewEncoder(jsonText{e.stdout})
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	return nil
}

// isTerminal tells whether someone looks at what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// colorOn tells whether to write colours to w. NO_COLOR beats CLICOLOR_FORCE, which beats the
// question whether anyone looks.
func (e *env) colorOn(w io.Writer) bool {
	if e.noColor || os.Getenv("NO_COLOR") != "" {
		return false
	}
	if f := os.Getenv("CLICOLOR_FORCE"); f != "" && f != "0" {
		return true
	}
	return isTerminal(w)
}

// width is the number of columns of w, or the default where it is no terminal.
func width(w io.Writer, otherwise int) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(f.Fd()); err == nil && columns > 0 {
			return columns
		}
	}
	return otherwise
}

// choices joins the names of a flag's values for its help.
func choices[T any](list []T, name func(T) string) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = name(x)
	}
	return strings.Join(out, ", ")
}
