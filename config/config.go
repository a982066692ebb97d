// Package config is what a user sets about weft itself: weft.yaml, the environment and flags, in
// that order of growing strength, from one table of settings. What a DAG says is not here.
//
// Everything wrong is found in one go, each with its place. An unknown key is refused: a setting
// that is misspelt must not be a setting that is off.
package config

import (
	"path/filepath"
	"time"
)

// FileName is the configuration's file, looked for in the working directory. It may be absent.
const FileName = "weft.yaml"

// A Config is the settings in force.
type Config struct {
	File         string            // absolute path of weft.yaml; "" = there is none
	Home         string            // absolute folder of weft's state
	DAGs         string            // absolute folder of the DAGs
	Pools        map[string]int    // slots by pool; `default` is always there
	Vars         map[string]any    // JSON values: what expressions see as vars
	MaxInstances int               // of one for_each
	LogCap       int64             // bytes an attempt's log may keep
	Grace        time.Duration     // from the polite signal to the hard one
	PokeSlots    int               // pokes of sensors at one time
	EnvPolicy    string            // inherit, or clean
	Handoff      string            // URI
	HTTP         Reach             // of the plugin http
	AWS          AWS               // who weft is for AWS
	Sandbox      Sandbox           // what --sandbox is
	GCOlderThan  time.Duration     // what weft gc removes
	GCKeep       int               // the newest runs of each DAG, which it does not
	GCEvery      time.Duration     // how often a server does that; 0 = never
	Poll         time.Duration     // how often a server asks a bucket for changes
	Drain        time.Duration     // what runs has to end when a server is stopped
	Secrets      map[string]string // where each lies: file:/absolute/path, env:NAME, secretsmanager:ID, ssm:/path
	SecretsFile  string            // absolute path; "" = none
	Diagnostics  map[string]string // by code: off, info, warning or error
	Shellcheck   string            // auto, on or off
	Engine       string            // local, or temporal
	Temporal     Temporal
}

// A Temporal is a Temporal server, beside what TEMPORAL_* and temporal.toml say; "" = as those say.
type Temporal struct{ Address, Namespace, Profile string }

// CleanEnv tells whether tasks' processes inherit only a handful of variables.
func (c Config) CleanEnv() bool { return c.EnvPolicy == "clean" }

// A Source is where settings come from.
type Source struct {
	Dir   string                           // absolute working directory
	File  string                           // of --config or WEFT_CONFIG; "" = weft.yaml in Dir, if there
	Env   func(name string) (string, bool) // as os.LookupEnv
	Flags map[string]string                // value by setting's key, of the flags that were given
	Code  func(code string) error          // why a diagnostic's code cannot be set; nil = each can

	// Syntax says what is wrong with a text that is no YAML, and where; "" = it does not know. nil = the reader's own words.
	Syntax func(src []byte) (line, column int, text string)
}

// Load puts the settings together. The error is Problems when it is about what the user wrote.
func Load(src Source) (Config, error) {
	l := loader{src: src, conf: Config{
		Pools: map[string]int{"default": 16},
		Vars:  map[string]any{}, Secrets: map[string]string{}, Diagnostics: map[string]string{},
	}}
	for _, s := range Settings {
		if s.Default != "" {
			l.take(s, text{value: s.Default, base: src.Dir, from: "the default of " + s.Key})
		}
	}
	if err := l.file(); err != nil {
		return Config{}, err
	}
	for _, s := range Settings {
		if v, ok := l.env(s.Env); ok {
			l.take(s, text{value: v, base: src.Dir, from: s.Env})
		}
	}
	for _, s := range Settings {
		if v, ok := src.Flags[s.Key]; ok && s.Flag != "" {
			l.take(s, text{value: v, base: src.Dir, from: "--" + s.Flag})
		}
	}
	if l.conf.Handoff == "" {
		l.conf.Handoff = fileURI(filepath.Join(l.conf.Home, "handoff"))
	}
	return l.conf, l.problems.err()
}

// loader gathers settings and what is wrong with them.
type loader struct {
	src      Source
	conf     Config
	problems Problems
}

// env looks a variable up; an empty one counts as not set.
func (l *loader) env(name string) (string, bool) {
	if name == "" || l.src.Env == nil {
		return "", false
	}
	v, ok := l.src.Env(name)
	return v, ok && v != ""
}

// take sets one setting; the problem, if there is one, knows where the value came from.
func (l *loader) take(s Setting, v text) {
	if err := s.set(&l.conf, v); err != nil {
		l.problems = append(l.problems, Problem{From: v.from, Line: v.line, Column: v.column, Text: err.Error()})
	}
}
