package cli

import (
	"slices"
	"strings"

	"weft/config"
	"weft/secrets"
)

// resolver finds the secrets that the configuration says where to find.
func resolver(conf config.Config) *secrets.Resolver {
	return &secrets.Resolver{
		Sources: conf.Secrets, Path: conf.SecretsFile,
		File: func() (map[string]string, error) { return config.SecretsFile(conf.SecretsFile) },
	}
}

// without leaves variables out of an environment: secrets that weft was given by names of their own
// reach the tasks that ask for them, and no other.
func without(environ, names []string) []string {
	return slices.DeleteFunc(environ, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(names, name)
	})
}
