package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"gopkg.in/yaml.v3"
)

var (
	secretName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })
	// sourceForm is where a secret may lie; what a file's path is below is for setSecret.
	sourceForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*|secretsmanager:[^#]+(#[^.#]+(\.[^.#]+)*)?|ssm:/?[^#]+)$`)
	})
)

const sourceForms = "file:PATH, env:NAME, secretsmanager:ID, secretsmanager:ID#MEMBER or ssm:/PATH"

// setSecret sets where a secret lies. What is no place is not quoted: it may be the secret itself.
func setSecret(c *Config, name string, v text) error {
	if !secretName().MatchString(name) {
		return fmt.Errorf("%q cannot name a secret: letters, digits and _, no digit first", name)
	}
	if !sourceForm().MatchString(v.value) || strings.ContainsRune(v.value, 0) {
		return fmt.Errorf("secret %s: write where it lies, never what it is: %s", name, sourceForms)
	}
	if path, ok := strings.CutPrefix(v.value, "file:"); ok && !filepath.IsAbs(path) {
		v.value = "file:" + filepath.Join(v.base, path)
	}
	c.Secrets[name] = v.value
	return nil
}

func setFile(field func(*Config) *string) func(*Config, text) error {
	set := setFolder(field)
	return func(c *Config, v text) error {
		if set(c, v) != nil {
			return errors.New("write a path")
		}
		return nil
	}
}

// SecretsFile reads a secrets file: a YAML map of names and texts. It must be its owner's alone, and
// that one must be who runs weft. No error quotes what is in it.
func SecretsFile(path string) (map[string]string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo must not hold us up
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("secrets file %s: there is no such file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("secrets file %s: %w", path, plain(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("secrets file %s: %w", path, plain(err))
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("secrets file %s: it is no file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("secrets file %s: others may read or write it (chmod 600 %s)", path, path)
	case known && int(owner.Uid) != os.Geteuid():
		return nil, fmt.Errorf("secrets file %s: it belongs to another user", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("secrets file %s: it is larger than 1 MiB", path)
	}
	src, err := readAll(f)
	if err != nil {
		return nil, fmt.Errorf("secrets file %s: %w", path, err)
	}
	return parseSecrets(path, src)
}

// parseSecrets reads a map of texts, each from the characters that stand there.
func parseSecrets(path string, src []byte) (map[string]string, error) {
	wrong := func(n *yaml.Node, what string) error {
		return fmt.Errorf("secrets file %s, line %d: %s", path, n.Line, what)
	}
	root, err := parse(src)
	if err != nil {
		line, _ := syntax(err) // its words quote the file
		return nil, fmt.Errorf("secrets file %s, line %d: this cannot be read as YAML (quote the values)", path, line)
	}
	values := map[string]string{}
	if root == nil || root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return values, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, wrong(root, "write `NAME: value`")
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch _, twice := values[key.Value]; {
		case key.Kind != yaml.ScalarNode || !secretName().MatchString(key.Value):
			return nil, wrong(key, "a name has letters, digits and _, no digit first")
		case twice:
			return nil, wrong(key, key.Value+" stands here twice")
		case value.Kind != yaml.ScalarNode || value.Style&yaml.TaggedStyle != 0:
			return nil, wrong(value, key.Value+" is no text (quote it)")
		}
		values[key.Value] = value.Value
	}
	return values, nil
}
