package awsconf

import (
	"crypto/sha256"
	"os"
	"slices"
	"strings"
)

// Settings is the AWS_* variables that hold for a call, as any AWS program reads them. Two calls
// with the same settings share one session.
type Settings struct {
	vars map[string]string
	// Role is the ARN of a role to take on, with the credentials that the variables name; "" = none.
	Role string
}

// who are the variables that together say whose credentials count. They come from one place: a
// task's key is never joined with the program's session token.
var who = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
}

// From reads the settings of a call from its environment (K=V), and what that does not say from
// the program's own: `env_policy: clean` is about processes, and no process is started here.
func From(env []string) Settings {
	vars := pick(env)
	own := slices.ContainsFunc(who, func(name string) bool { return vars[name] != "" })
	for name, value := range pick(os.Environ()) {
		if _, given := vars[name]; given || own && slices.Contains(who, name) {
			continue
		}
		vars[name] = value
	}
	return Settings{vars: vars}
}

// pick keeps what is AWS's and not empty; of two with one name the later counts.
func pick(env []string) map[string]string {
	vars := map[string]string{}
	for _, kv := range env {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || !strings.HasPrefix(name, "AWS_") {
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
	return s.first("AWS_ENDPOINT_URL_"+service, "AWS_ENDPOINT_URL")
}

// A fingerprint names settings without holding a secret.
type fingerprint [sha256.Size]byte

func (s Settings) fingerprint() fingerprint {
	lines := make([]string, 0, len(s.vars)+1)
	for name, value := range s.vars {
		lines = append(lines, name+"="+value)
	}
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(append(lines, s.Role), "\x00")))
}
