package config_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"weft/config"
)

// source is a working directory with a weft.yaml (none if it is "").
func source(t *testing.T, yaml string) config.Source {
	t.Helper()
	dir := t.TempDir()
	if yaml != "" {
		if err := os.WriteFile(filepath.Join(dir, "weft.yaml"), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Source{Dir: dir}
}

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func load(t *testing.T, src config.Source) config.Config {
	t.Helper()
	c, err := config.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWithoutAFileTheDefaultsHold(t *testing.T) {
	src := source(t, "")
	want := config.Config{
		Home: filepath.Join(src.Dir, ".weft"), DAGs: filepath.Join(src.Dir, "dags"),
		Pools: map[string]int{"default": 16}, Vars: map[string]any{},
		MaxInstances: 10000, LogCap: 64 << 20, Grace: 10 * time.Second, PokeSlots: 64,
		Secrets: map[string]string{}, Diagnostics: map[string]string{}, Shellcheck: "off", EnvPolicy: "inherit", Handoff: "file://" + filepath.Join(src.Dir, ".weft", "handoff"),
		GCOlderThan: 30 * 24 * time.Hour, GCKeep: 10, GCEvery: 24 * time.Hour, Poll: 15 * time.Second, Drain: 30 * time.Second, Engine: "local",
	}
	if got := load(t, src); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAFileSaysEverything(t *testing.T) {
	src := source(t, `# all of it
home: state
dags: /srv/dags
pools: {default: 4, glue: 5, none: 0}
vars:
  bucket: acme
  retries: 3
  ratio: 0.5
  version: 3.10
  code: 007
  on: yes
  text: "5"
  nothing: null
  x-kept: true
  nested: {list: [1, two, false]}
  block: |
    10
max_instances: 20
log_cap: 1GiB
grace: 1m30s
poke_slots: 8
env_policy: clean
handoff: s3://bucket/prefix
http: {allow: [link-local, "fd00:ec2::254"], refuse: [loopback, 10.0.0.0/8, api.example.com, "*.corp"], x-why: anything}
gc_older_than: 1000d
gc_keep: 0
secrets:
  A: file:secrets/a
  B: file:/run/secrets/b
  C: env:GITHUB_TOKEN
  D: secretsmanager:prod/db#login.password
  E: "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf"
  f: ssm:/prod/db
secrets_file: more.yaml
diagnostics: {R501: off, R503: error, x-note: whatever}
shellcheck: auto
engine: temporal
temporal_address: temporal.acme.example:7233
temporal_namespace: acme
temporal_profile: lab
x-note: [anything, goes]
`)
	want := config.Config{
		File: filepath.Join(src.Dir, "weft.yaml"), Home: filepath.Join(src.Dir, "state"), DAGs: "/srv/dags",
		Pools: map[string]int{"default": 4, "glue": 5, "none": 0},
		Vars: map[string]any{
			"bucket": "acme", "retries": 3, "ratio": 0.5, "version": 3.1, "code": "007", "on": "yes", "text": "5",
			"nothing": nil, "x-kept": true, "nested": map[string]any{"list": []any{1, "two", false}}, "block": "10\n",
		},
		MaxInstances: 20, LogCap: 1 << 30, Grace: 90 * time.Second, PokeSlots: 8, EnvPolicy: "clean", Handoff: "s3://bucket/prefix",
		HTTP:        config.Reach{Allow: []string{"link-local", "fd00:ec2::254"}, Refuse: []string{"loopback", "10.0.0.0/8", "api.example.com", "*.corp"}},
		GCOlderThan: 1000 * 24 * time.Hour, GCEvery: 24 * time.Hour, Poll: 15 * time.Second, Drain: 30 * time.Second,
		Secrets: map[string]string{
			"A": "file:" + filepath.Join(src.Dir, "secrets/a"), "B": "file:/run/secrets/b", "C": "env:GITHUB_TOKEN",
			"D": "secretsmanager:prod/db#login.password", "f": "ssm:/prod/db",
			"E": "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf",
		},
		SecretsFile: filepath.Join(src.Dir, "more.yaml"),
		Diagnostics: map[string]string{"R501": "off", "R503": "error"}, Shellcheck: "auto",
		Engine: "temporal", Temporal: config.Temporal{Address: "temporal.acme.example:7233", Namespace: "acme", Profile: "lab"},
	}
	got := load(t, src)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !got.CleanEnv() {
		t.Error("the policy is clean, CleanEnv says no")
	}
}

func TestFlagsBeatTheEnvironmentWhichBeatsTheFile(t *testing.T) {
	src := source(t, "home: a\ndags: a\ngrace: 1s\npools: {glue: 1, db: 1}\n")
	src.Env = env(map[string]string{"WEFT_HOME": "b", "WEFT_DAGS": "b", "WEFT_POOLS": "glue=2, default=3", "WEFT_GRACE": ""})
	src.Flags = map[string]string{"home": "c"}
	got := load(t, src)
	if got.Home != filepath.Join(src.Dir, "c") || got.DAGs != filepath.Join(src.Dir, "b") {
		t.Errorf("home %s, dags %s", got.Home, got.DAGs)
	}
	if got.Grace != time.Second {
		t.Errorf("an empty variable changed grace to %v", got.Grace)
	}
	if want := map[string]int{"default": 3, "glue": 2, "db": 1}; !maps.Equal(got.Pools, want) {
		t.Errorf("pools %v, want %v", got.Pools, want)
	}
	if got.Handoff != "file://"+filepath.Join(src.Dir, "c", "handoff") {
		t.Errorf("handoff %s does not follow home", got.Handoff)
	}
}

func TestPathsOfAFileAreBelowItsFolder(t *testing.T) {
	src := source(t, "")
	other := filepath.Join(src.Dir, "conf")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "w.yaml"), []byte("home: state\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"flag", "variable"} {
		by := config.Source{Dir: src.Dir, File: "conf/w.yaml"}
		if how == "variable" {
			by = config.Source{Dir: src.Dir, Env: env(map[string]string{"WEFT_CONFIG": "conf/w.yaml"})}
		}
		got := load(t, by)
		if got.Home != filepath.Join(other, "state") || got.DAGs != filepath.Join(src.Dir, "dags") || got.File != filepath.Join(other, "w.yaml") {
			t.Errorf("by %s: %+v", how, got)
		}
	}
}

func TestAFileThatWasAskedForMustBeThere(t *testing.T) {
	src := source(t, "")
	src.File = "none.yaml"
	_, err := config.Load(src)
	if want := "cannot read configuration " + filepath.Join(src.Dir, "none.yaml") + ": there is no such file"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAWSAndTheSandbox(t *testing.T) {
	dir := t.TempDir()
	text := "aws: {profile: data, region: eu-west-1, role_arn: 'arn:aws:iam::123456789012:role/weft', external_id: 007}\n" +
		"sandbox:\n  lambda: {enrich: [python3, enrich.py], other: [./bin/other]}\n  faults: [{service: dynamodb, operation: PutItem, times: 2}, {service: lambda, lost: true}]\n"
	if err := os.WriteFile(filepath.Join(dir, "weft.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Source{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if want := (config.AWS{Profile: "data", Region: "eu-west-1", RoleARN: "arn:aws:iam::123456789012:role/weft", ExternalID: "007"}); c.AWS != want {
		t.Errorf("got %+v", c.AWS)
	}
	want := fmt.Sprintf("map[enrich:{[python3 enrich.py] %s} other:{[%s/bin/other] %s}]", dir, dir, dir)
	if got := fmt.Sprint(c.Sandbox.Lambda); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := fmt.Sprint(c.Sandbox.Faults); got != "[{dynamodb PutItem  2 false} {lambda   1 true}]" {
		t.Error(got)
	}
}

// Each row is a file and everything that is said of it.
func TestWhatIsWrongHasItsPlace(t *testing.T) {
	for _, c := range []struct{ what, yaml, want string }{
		{"unknown key, near", "grase: 10s", `weft.yaml:1:1: there is no setting "grase"; did you mean "grace"?`},
		{"other spelling", "max-instances: 3", `weft.yaml:1:1: there is no setting "max-instances"; did you mean "max_instances"?`},
		{"unknown key, far", "colour: red", `weft.yaml:1:1: there is no setting "colour" (there are: home, dags, pools, vars, max_instances, log_cap, grace, poke_slots, env_policy, handoff, http, aws, sandbox, gc_older_than, gc_keep, gc_every, poll, drain, secrets, secrets_file, diagnostics, shellcheck, engine, temporal_address, temporal_namespace, temporal_profile)`},
		{"twice", "grace: 1s\ngrace: 2s", `weft.yaml:2:1: "grace" stands here twice (first in line 1)`},
		{"duration", "grace: 10", `weft.yaml:1:8: grace: "10" is no duration: write it with units, such as 10s or 1m30s`},
		{"too long", "grace: 366d", `weft.yaml:1:8: grace: 366d is too long: at most 365d`},
		{"longer than there is time", "gc_older_than: 999999d", `weft.yaml:1:16: gc_older_than: 999999d is too long`},
		{"less than nothing", "gc_keep: -1", `weft.yaml:1:10: gc_keep: "-1" is no whole number from 0 to 1000000`},
		{"size", "log_cap: 64MB", `weft.yaml:1:10: log_cap: "64MB" is no size: write a number with B, KiB, MiB or GiB, such as 64MiB`},
		{"small", "log_cap: 1KiB", `weft.yaml:1:10: log_cap: 1KiB is too little: at least 64KiB are needed`},
		{"count", "poke_slots: 0", `weft.yaml:1:13: poke_slots: "0" is no whole number from 1 to 1000000`},
		{"choice", "env_policy: claen", `weft.yaml:1:13: env_policy: "claen" is neither inherit nor clean; did you mean "clean"?`},
		{"uri", "handoff: /var/x", `weft.yaml:1:10: handoff: "/var/x" is no URI: write file:///folder, s3://bucket/prefix or dynamodb://table`},
		{"folder", "home: ''", `weft.yaml:1:7: home: write a folder`},
		{"pool", "pools: {glue: many}", `weft.yaml:1:15: pool glue: "many" is no whole number from 0 to 1000000`},
		{"pool's name", "pools:\n  2nd: 1", `weft.yaml:2:8: "2nd" cannot name a pool: letters, digits, _ . - and no digit first`},
		{"pools as a number", "pools: 16", `weft.yaml:1:8: pools: write a map of pools to slots, such as {default: 16}`},
		{"the secret itself", "secrets: {TOKEN: hunter2}", "weft.yaml:1:18: secret TOKEN: write where it lies, never what it is: file:PATH, env:NAME, secretsmanager:ID, secretsmanager:ID#MEMBER or ssm:/PATH"},
		{"a secret's name", "secrets: {a-b: env:X}", `weft.yaml:1:16: "a-b" cannot name a secret: letters, digits and _, no digit first`},
		{"secrets as a list", "secrets: [A]", "weft.yaml:1:10: secrets: write a map of secrets to where they lie, such as {TOKEN: file:/run/secrets/token}"},
		{"diagnostics as a word", "diagnostics: off", `weft.yaml:1:14: diagnostics: write a map of codes to off, info, warning or error, such as {R501: off}`},
		{"no severity", "diagnostics: {R501: of}", `weft.yaml:1:21: diagnostics.R501: "of" is neither off nor info nor warning nor error; did you mean "off"?`},
		{"no code", "diagnostics:\n  R5O1: off\n  R501: off", `weft.yaml:2:3: diagnostics: there is no code "R5O1"`},
		{"a list for a severity", "diagnostics: {R501: [off]}", `weft.yaml:1:21: diagnostics.R501: write off, info, warning or error`},
		{"a list for a value", "grace: [1s]", `weft.yaml:1:8: grace: write one value`},
		{"vars as a list", "vars: [a]", `weft.yaml:1:7: vars: write a map of names to values`},
		{"http as a word", "http: loopback", `weft.yaml:1:7: http: write {allow: [...], refuse: [...]}`},
		{"http, another key", "http: {alow: [loopback]}", `weft.yaml:1:8: there is no setting "http.alow"; did you mean "http.allow"?`},
		{"one place", "http: {refuse: loopback}", `weft.yaml:1:16: http.refuse: write a list of places, such as [loopback, 10.0.0.0/8]`},
		{"a place that is a list", "http: {refuse: [[loopback]]}", `weft.yaml:1:17: http.refuse: write one place an item`},
		{"a word, misspelt", "http:\n  refuse:\n  - loopback\n  - linklocal", `weft.yaml:4:5: http.refuse: "linklocal" is no word for a network; did you mean "link-local"? (a host of that name is "linklocal.")`},
		{"a network of another's", "http: {allow: [10.1.2.3/8]}", `weft.yaml:1:16: http.allow: "10.1.2.3/8" is no network: write 10.0.0.0/8`},
		{"IPv4 as IPv6", "http: {allow: ['::ffff:10.0.0.0/104']}", `weft.yaml:1:16: http.allow: "::ffff:10.0.0.0/104" is an IPv4 network: write it as one`},
		{"a zone", "http: {allow: ['fe80::1%eth0']}", `weft.yaml:1:16: http.allow: "fe80::1%eth0" is no address: leave out what follows the %`},
		{"half an address", "http: {refuse: [127.1]}", `weft.yaml:1:17: http.refuse: "127.1" is none of loopback, private, link-local, an address (10.1.2.3), a network (10.0.0.0/8), a host (api.example.com, *.example.com)`},
		{"a URL", "http: {allow: ['https://api.example.com']}", `weft.yaml:1:16: http.allow: "https://api.example.com" is none of loopback, private, link-local, an address (10.1.2.3), a network (10.0.0.0/8), a host (api.example.com, *.example.com)`},
		{"a port", "http: {allow: ['localhost:8080']}", `weft.yaml:1:16: http.allow: "localhost:8080" is none of loopback, private, link-local, an address (10.1.2.3), a network (10.0.0.0/8), a host (api.example.com, *.example.com)`},
		{"aws as a word", "aws: data", `weft.yaml:1:6: aws: write a map, such as {profile: data, region: eu-west-1}`},
		{"aws, another key", "aws: {profle: data}", `weft.yaml:1:7: there is no setting "aws.profle"; did you mean "profile"?`},
		{"a role by its name", "aws: {role_arn: writer}", `weft.yaml:1:17: aws.role_arn: it must look like arn:aws:iam::123456789012:role/name`},
		{"an id of no role", "aws: {external_id: 7}", `weft.yaml:1:6: aws: external_id and role_session_name belong to a role, and there is no role_arn`},
		{"a function as a text", "sandbox: {lambda: {enrich: python3 enrich.py}}", `weft.yaml:1:28: sandbox.lambda.enrich: write a program and its arguments, such as [python3, enrich.py]`},
		{"a function of nothing", "sandbox: {lambda: {enrich: []}}", `weft.yaml:1:28: sandbox.lambda.enrich: write a program and its arguments, such as [python3, enrich.py]`},
		{"sandbox, another key", "sandbox: {lamda: {}}", `weft.yaml:1:11: there is no setting "sandbox.lamda"; did you mean "lambda"?`},
		{"a fault of no service", "sandbox: {faults: [{times: 2}]}", `weft.yaml:1:20: sandbox.faults: name the service, such as dynamodb`},
		{"a fault that is never", "sandbox: {faults: [{service: s, times: x}]}", `weft.yaml:1:40: sandbox.faults.times: "x" is no value for it`},
		{"a tag", "vars: {a: !!str 5}", `weft.yaml:1:11: the tag !!str means nothing here; leave it out`},
		{"a list on top", "- home", `weft.yaml:1:1: write settings as ` + "`key: value`"},
		{"two documents", "home: a\n---\nhome: b\n", `weft.yaml:2: a second document begins here; write one`},
		{"syntax", "home: a\n\tdags: b\n", `weft.yaml:2: found a tab character that violates indentation`},
		{
			"all in one go", "poke_slots: x\nhome: a\ncolor: 1\nx-a: 1\ngrace: y\n",
			`weft.yaml:1:13: poke_slots: "x" is no whole number from 1 to 1000000
  weft.yaml:3:1: there is no setting "color" (there are: home, dags, pools, vars, max_instances, log_cap, grace, poke_slots, env_policy, handoff, http, aws, sandbox, gc_older_than, gc_keep, gc_every, poll, drain, secrets, secrets_file, diagnostics, shellcheck, engine, temporal_address, temporal_namespace, temporal_profile)
  weft.yaml:5:8: grace: "y" is no duration: write it with units, such as 10s or 1m30s`,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			src := source(t, c.yaml)
			src.Code = func(code string) error {
				if code != "R501" {
					return fmt.Errorf("there is no code %q", code)
				}
				return nil
			}
			_, err := config.Load(src)
			if want := "cannot use the configuration: " + c.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestVariablesAndFlagsAreNamedInTheirProblems(t *testing.T) {
	src := source(t, "grace: x\n")
	src.Env = env(map[string]string{"WEFT_POKE_SLOTS": "many", "WEFT_POOLS": "glue"})
	src.Flags = map[string]string{"home": "a\x00b"}
	_, err := config.Load(src)
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var from []string
	for _, p := range problems {
		from = append(from, p.From)
	}
	if want := []string{"weft.yaml", "WEFT_POOLS", "WEFT_POKE_SLOTS", "--home"}; !slices.Equal(from, want) {
		t.Errorf("problems of %q, want of %q", from, want)
	}
}

func TestAliasesAreBounded(t *testing.T) {
	bomb := "x-a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		prev := string(c - 1)
		bomb += "x-" + string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+prev+",", 9) + "*" + prev + "]\n"
	}
	_, err := config.Load(source(t, bomb+"vars: {v: *j}\n"))
	if err == nil || !strings.Contains(err.Error(), "too large or too deep") {
		t.Errorf("error %v", err)
	}
	got := load(t, source(t, "x-slots: &s {default: 2, glue: 3}\nx-d: &d 7s\npools: *s\ngrace: *d\nvars: {a: *s}\n"))
	if got.Pools["glue"] != 3 || got.Grace != 7*time.Second || !reflect.DeepEqual(got.Vars["a"], map[string]any{"default": 2, "glue": 3}) {
		t.Errorf("aliases gave %+v", got)
	}
}

// The table is what the documentation is made of: each line must be complete, and its default
// must be one that its own reader takes.
func TestTheTableIsComplete(t *testing.T) {
	keys, envs := map[string]bool{}, map[string]bool{}
	for _, s := range config.Settings {
		if s.About == "" || keys[s.Key] || s.Env != "" && (envs[s.Env] || s.Env != "WEFT_"+strings.ToUpper(s.Key) && s.Env != strings.ToUpper(s.Key)) {
			t.Errorf("setting %+v", s)
		}
		keys[s.Key], envs[s.Env] = true, true
		if s.Default == "" || s.Env == "" {
			continue
		}
		src := source(t, "")
		src.Env = env(map[string]string{s.Env: s.Default})
		if a, b := load(t, source(t, "")), load(t, src); a.Grace != b.Grace || a.LogCap != b.LogCap || a.PokeSlots != b.PokeSlots {
			t.Errorf("%s=%s differs from the default", s.Env, s.Default)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("home: a\npools: {a: 1}\nvars: {a: [1, {b: c}]}\n")
	f.Add("vars: &v {a: *v}\n")
	f.Add("- &a [*a]\n")
	f.Add("? {a: b}\n: c\n")
	f.Add("%YAML 1.1\n---\n!!map {grace: 1s}\n")
	f.Fuzz(func(t *testing.T, yaml string) {
		_, err := config.Load(source(t, yaml))
		if err != nil && strings.Contains(err.Error(), "yaml.Node") {
			t.Error(err)
		}
	})
}
