package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A Setting is one line of the table from which the file, the environment, the flags and their
// documentation are made.
type Setting struct {
	Key     string // in weft.yaml
	Env     string // variable; "" = none
	Flag    string // without dashes; "" = none
	Default string // as it would be written; "" = see About
	About   string

	set   func(*Config, text) error // of a scalar; nil: tree alone
	shape shape
}

// A shape is what a setting's value looks like in the file.
type shape int

const (
	scalar   shape = iota
	slots          // a map of names to whole numbers
	values         // a map of names to anything
	reach          // {allow: […], refuse: […]} of places
	sources        // a map of secrets to where they lie
	identity       // {profile, region, role_arn, …} for AWS
	doubles        // {lambda: {…}, faults: […]} of the sandbox
	levels         // a map of diagnostics' codes to severities
)

// Settings is every setting there is, in the order of its documentation.
var Settings = []Setting{
	{Key: "home", Env: "WEFT_HOME", Flag: "home", Default: ".weft", About: "folder of weft's state: runs, logs, large outputs", set: setFolder(func(c *Config) *string { return &c.Home })},
	{Key: "dags", Env: "WEFT_DAGS", Flag: "dags", Default: "dags", About: "folder of the DAG files, or s3://BUCKET/PREFIX where weft sync puts them", set: setPlace(func(c *Config) *string { return &c.DAGs })},
	{Key: "pools", Env: "WEFT_POOLS", Default: "default=16", About: "slots of each pool; in the variable: name=slots, separated by commas", set: setPools, shape: slots},
	{Key: "vars", About: "values that expressions see as vars.NAME", shape: values},
	{Key: "max_instances", Env: "WEFT_MAX_INSTANCES", Default: "10000", About: "instances that one for_each may have", set: setCount(func(c *Config) *int { return &c.MaxInstances })},
	{Key: "log_cap", Env: "WEFT_LOG_CAP", Default: "64MiB", About: "what is kept of one attempt's log, half of it from its beginning", set: setSize(func(c *Config) *int64 { return &c.LogCap })},
	{Key: "grace", Env: "WEFT_GRACE", Default: "10s", About: "time that a process has to end by itself when it is stopped", set: setDuration(func(c *Config) *time.Duration { return &c.Grace })},
	{Key: "poke_slots", Env: "WEFT_POKE_SLOTS", Default: "64", About: "sensors that are asked at one time", set: setCount(func(c *Config) *int { return &c.PokeSlots })},
	{Key: "env_policy", Env: "WEFT_ENV_POLICY", Default: "inherit", About: "what tasks' processes inherit: inherit (all but WEFT_*) or clean (PATH HOME LANG TZ TMPDIR)", set: setChoice(func(c *Config) *string { return &c.EnvPolicy }, "inherit", "clean")},
	{Key: "handoff", Env: "WEFT_HANDOFF", About: "URI of where large outputs go; without it the folder handoff of home", set: setURI(func(c *Config) *string { return &c.Handoff })},
	{Key: "http", About: "what the plugin http may reach: {allow: [...], refuse: [...]} of loopback, private, link-local, addresses, networks, hosts; link-local is refused anyway, and allow wins", shape: reach},
	{Key: "aws", About: "who weft is for AWS, and where, unless its environment says so: {profile, region, role_arn, external_id, role_session_name}; the role is taken with the credentials that there are", shape: identity},
	{Key: "sandbox", About: "of --sandbox: {lambda: {NAME: [program, argument]}, faults: [{service, operation, times, code, lost}]}: functions, and calls that go wrong by order", shape: doubles},
	{Key: "gc_older_than", Env: "WEFT_GC_OLDER_THAN", Default: "30d", About: "what weft gc removes: runs that ended so long ago, and what nobody has used since", set: setSpan(func(c *Config) *time.Duration { return &c.GCOlderThan }, 36500)},
	{Key: "gc_keep", Env: "WEFT_GC_KEEP", Default: "10", About: "the newest runs of each DAG that weft gc keeps, however old", set: setNumber(func(c *Config) *int { return &c.GCKeep }, 0)},
	{Key: "gc_every", Env: "WEFT_GC_EVERY", Default: "24h", About: "how often a server removes what weft gc --yes would; 0s: never", set: setSpan(func(c *Config) *time.Duration { return &c.GCEvery }, 365)},
	{Key: "poll", Env: "WEFT_POLL", Default: "15s", About: "how often a server asks a bucket for changed DAGs", set: setDuration(func(c *Config) *time.Duration { return &c.Poll })},
	{Key: "drain", Env: "WEFT_DRAIN", Default: "30s", About: "time that what runs has to end by itself when a server is stopped", set: setDuration(func(c *Config) *time.Duration { return &c.Drain })},
	{Key: "secrets", About: "where secrets lie that are in no variable WEFT_SECRET_NAME: a map of names to file:PATH, env:NAME, secretsmanager:ID, secretsmanager:ID#MEMBER or ssm:/PATH", shape: sources},
	{Key: "secrets_file", Env: "WEFT_SECRETS_FILE", About: "a YAML file, readable by its owner alone, of names and the secrets themselves; asked last", set: setFile(func(c *Config) *string { return &c.SecretsFile })},
	{Key: "diagnostics", About: "how bad a warning is, by its code ([all codes](errors.md)): off, info, warning, or error, which keeps a DAG from running; what is an error by itself stays one", shape: levels},
	{Key: "shellcheck", Env: "WEFT_SHELLCHECK", Flag: "shellcheck", Default: "off", About: "whether weft validate asks shellcheck about scripts ([X609](errors/X609.md)): off, auto (where it is installed), on (and says so where it is not)", set: setChoice(func(c *Config) *string { return &c.Shellcheck }, Linting...)},
	{Key: "engine", Env: "WEFT_ENGINE", Flag: "engine", Default: EngineLocal, About: "what keeps runs going: local (this machine), or temporal (a Temporal server, and any number of weft worker)", set: setChoice(func(c *Config) *string { return &c.Engine }, EngineLocal, EngineTemporal)},
	{Key: "temporal_address", Env: "TEMPORAL_ADDRESS", Flag: "temporal-address", About: "host:port of the Temporal server; without it what temporal.toml says, or localhost:7233. API key and TLS are told as Temporal's own tools take them (TEMPORAL_API_KEY, TEMPORAL_TLS_*)", set: setWord(func(c *Config) *string { return &c.Temporal.Address })},
	{Key: "temporal_namespace", Env: "TEMPORAL_NAMESPACE", Flag: "namespace", About: "namespace on the Temporal server; without it what temporal.toml says, or default", set: setWord(func(c *Config) *string { return &c.Temporal.Namespace })},
	{Key: "temporal_profile", Env: "TEMPORAL_PROFILE", About: "profile of temporal.toml", set: setWord(func(c *Config) *string { return &c.Temporal.Profile })},
}

// The engines.
const (
	EngineLocal    = "local"
	EngineTemporal = "temporal"
)

// Linting are the choices of shellcheck.
var Linting = []string{"off", "auto", "on"}

// A text is a scalar as it was written, and where.
type text struct {
	value        string
	base         string // absolute folder that a relative path is below
	from         string // the file, variable or flag
	line, column int    // in the file; 0 = elsewhere
}

func setFolder(field func(*Config) *string) func(*Config, text) error {
	return func(c *Config, v text) error {
		if v.value == "" || strings.ContainsRune(v.value, 0) {
			return errors.New("write a folder")
		}
		p := v.value
		if !filepath.IsAbs(p) {
			p = filepath.Join(v.base, p)
		}
		*field(c) = filepath.Clean(p)
		return nil
	}
}

// setPlace takes a folder, or a prefix of a bucket as it is.
func setPlace(field func(*Config) *string) func(*Config, text) error {
	return func(c *Config, v text) error {
		if strings.HasPrefix(v.value, "s3://") {
			*field(c) = v.value
			return nil
		}
		return setFolder(field)(c, v)
	}
}

// setWord takes a text without spaces.
func setWord(field func(*Config) *string) func(*Config, text) error {
	return func(c *Config, v text) error {
		if v.value == "" || strings.ContainsFunc(v.value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			return fmt.Errorf("%q is not one word", v.value)
		}
		*field(c) = v.value
		return nil
	}
}

func setCount(field func(*Config) *int) func(*Config, text) error { return setNumber(field, 1) }

func setNumber(field func(*Config) *int, least int) func(*Config, text) error {
	return func(c *Config, v text) error {
		n, err := strconv.Atoi(v.value)
		if err != nil || n < least || n > 1_000_000 {
			return fmt.Errorf("%q is no whole number from %d to 1000000", v.value, least)
		}
		*field(c) = n
		return nil
	}
}

var sizeForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]{1,9})(B|KiB|MiB|GiB)$`) })

func setSize(field func(*Config) *int64) func(*Config, text) error {
	shift := map[string]int{"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}
	return func(c *Config, v text) error {
		m := sizeForm().FindStringSubmatch(v.value)
		if m == nil {
			return fmt.Errorf("%q is no size: write a number with B, KiB, MiB or GiB, such as 64MiB", v.value)
		}
		n, _ := strconv.ParseInt(m[1], 10, 64) // nine digits
		if n <<= shift[m[2]]; n < 1<<16 {
			return fmt.Errorf("%s is too little: at least 64KiB are needed", v.value)
		}
		*field(c) = n
		return nil
	}
}

// durationForm is the language's duration; what each group counts stands in durationUnits.
var (
	durationForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?(?:([0-9]{1,6})ms)?$`)
	})
	durationUnits = []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second, time.Millisecond}
)

func setDuration(field func(*Config) *time.Duration) func(*Config, text) error {
	return setSpan(field, 365)
}

func setSpan(field func(*Config) *time.Duration, mostDays int) func(*Config, text) error {
	return func(c *Config, v text) error {
		d, err := Duration(v.value)
		if err != nil {
			return err
		}
		if d > time.Duration(mostDays)*24*time.Hour {
			return fmt.Errorf("%s is too long: at most %dd", v.value, mostDays)
		}
		*field(c) = d
		return nil
	}
}

// Duration reads a duration as the language writes it, 1d2h3m4s500ms.
func Duration(s string) (time.Duration, error) {
	m := durationForm().FindStringSubmatch(s)
	if s == "" || m == nil {
		return 0, fmt.Errorf("%q is no duration: write it with units, such as 10s or 1m30s", s)
	}
	var d time.Duration
	for i, unit := range durationUnits {
		n, _ := strconv.Atoi("0" + m[i+1]) // six digits
		part := time.Duration(n) * unit
		if d += part; part/unit != time.Duration(n) || d < 0 {
			return 0, fmt.Errorf("%s is too long", s)
		}
	}
	return d, nil
}

func setChoice(field func(*Config) *string, choices ...string) func(*Config, text) error {
	return func(c *Config, v text) error {
		for _, ch := range choices {
			if v.value == ch {
				*field(c) = ch
				return nil
			}
		}
		return fmt.Errorf("%q is neither %s%s", v.value, strings.Join(choices, " nor "), didYouMean(v.value, choices))
	}
}

// setURI checks the form alone: which schemes there are is for the handoff to say.
func setURI(field func(*Config) *string) func(*Config, text) error {
	return func(c *Config, v text) error {
		if u, err := url.Parse(v.value); err != nil || u.Scheme == "" {
			return fmt.Errorf("%q is no URI: write file:///folder, s3://bucket/prefix or dynamodb://table", v.value)
		}
		*field(c) = v.value
		return nil
	}
}

// setPools reads name=slots pairs. Pools are set one by one: those that are not named stay.
func setPools(c *Config, v text) error {
	for pair := range strings.SplitSeq(v.value, ",") {
		name, n, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok {
			return fmt.Errorf("%q is no pool: write name=slots", pair)
		}
		if err := setPool(c, strings.TrimSpace(name), strings.TrimSpace(n)); err != nil {
			return err
		}
	}
	return nil
}

var poolForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,199}$`) })

func setPool(c *Config, name, count string) error {
	if !poolForm().MatchString(name) {
		return fmt.Errorf("%q cannot name a pool: letters, digits, _ . - and no digit first", name)
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1_000_000 {
		return fmt.Errorf("pool %s: %q is no whole number from 0 to 1000000", name, count)
	}
	c.Pools[name] = n
	return nil
}

func fileURI(dir string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
}
