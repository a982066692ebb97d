package awsconf

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Settings is the AWS_* variables that hold for a call, as any AWS program reads them, and the role that
// weft is to take with them. Two calls
// with the same settings share one session.
type Settings struct {
	vars map[string]string
	wire aws.HTTPClient // of tests; nil = the network
}

// Variables of weft's own, which no AWS program knows, by the side of those that each does: the role
// to take with the credentials that the others name. An AWS_ROLE_ARN is a web identity's.
const (
	RoleARN        = "WEFT_AWS_ROLE_ARN"
	RoleExternalID = "WEFT_AWS_EXTERNAL_ID"
	RoleSession    = "WEFT_AWS_ROLE_SESSION_NAME"
)

var roles = []string{RoleARN, RoleExternalID, RoleSession}

func (s Settings) role() string { return s.vars[RoleARN] }

// who are the variables that together say whose credentials count. They come from one place: a
// task's key is never joined with the program's session token.
var who = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
}

// From reads the settings of a call from its environment (K=V), and what that does not say from
// the program's own: `env_policy: clean` is about processes, and no process is started here. A role
// that the call names takes the place of the program's, and is taken with the program's credentials
// unless the call has its own; these are taken as they are, without the program's role.
func From(env []string) Settings {
	vars, program := pick(env), pick(os.Environ())
	own := slices.ContainsFunc(who, func(name string) bool { return vars[name] != "" && vars[name] != program[name] })
	if own {
		inherited(vars, program)
	}
	ownRole := vars[RoleARN] != "" && vars[RoleARN] != program[RoleARN]
	for name, value := range program {
		if _, given := vars[name]; given || own && slices.Contains(who, name) || (own || ownRole) && slices.Contains(roles, name) {
			continue
		}
		vars[name] = value
	}
	return Settings{vars: vars}
}

// inherited takes from a call's variables those that say who calls and that it has from the program,
// where it says something else itself: the environment of a task holds the program's too. A secret
// of its own may belong to the program's key.
func inherited(vars, program map[string]string) {
	const key, secret = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
	rotated := vars[secret] != "" && vars[secret] != program[secret]
	for _, name := range who {
		if vars[name] == program[name] && (name != key || !rotated) {
			delete(vars, name)
		}
	}
}

// pick keeps what is AWS's and not empty; of two with one name the later counts.
func pick(env []string) map[string]string {
	vars := map[string]string{}
	for _, kv := range env {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || !strings.HasPrefix(name, "AWS_") && !slices.Contains(roles, name) {
			continue
		}
		if delete(vars, name); value != "" {
			vars[name] = value
		}
	}
	return vars
}

// first returns the first of some variables that is set.
func (s Settings) first(names ...string) string {
	for _, name := range names {
		if v := s.vars[name]; v != "" {
			return v
		}
	}
	return ""
}

// Endpoint is the URL at which a service ("S3", "GLUE") is to be found, "" = AWS's own.
func (s Settings) Endpoint(service string) string {
	if strings.EqualFold(s.vars["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"], "true") {
		return ""
	}
	return s.first(endpointName+"_"+service, endpointName)
}

// checkEndpoints refuses endpoints that are no URLs; the SDK says so late, and of rules.
func (s Settings) checkEndpoints() error {
	for _, name := range slices.Sorted(maps.Keys(s.vars)) {
		if name != endpointName && !strings.HasPrefix(name, endpointName+"_") {
			continue
		}
		u, err := url.Parse(s.vars[name])
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			shown := s.vars[name]
			if err == nil {
				shown = u.Redacted()
			}
			return &Error{Fault: BadSettings, Text: fmt.Sprintf("%s is no URL: %.80q", name, shown), Hint: "write it like http://host:9000"}
		}
	}
	return nil
}

const endpointName = "AWS_ENDPOINT_URL"

// A fingerprint names settings without holding a secret.
type fingerprint [sha256.Size]byte

func (s Settings) fingerprint() fingerprint {
	lines := make([]string, 0, len(s.vars))
	for name, value := range s.vars {
		lines = append(lines, name+"="+value)
	}
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(lines, "\x00")))
}
