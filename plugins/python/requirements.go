package python

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weft/plugins"
)

// maxNested bounds how deep requirements files may name others: one that names itself ends there.
const maxNested = 10

// readRequirements makes one text of what is required, in the syntax of a requirements file: its
// lines, with those of the files that it names in their place. The text is what the environment's
// hash is of, so a changed file is a new environment. Of a list the order means nothing.
func readRequirements(r texts, dir string) (string, error) {
	var lines []string
	if r.isText {
		var err error
		if lines, err = requirementsFile(absolute(r.list[0], dir), r.list[0], 0); err != nil {
			return "", err
		}
	} else {
		for _, entry := range r.list {
			line, err := requirement(entry, dir)
			if err != nil {
				return "", err
			}
			lines = append(lines, line)
		}
		slices.Sort(lines)
		lines = slices.Compact(lines)
	}
	if len(lines) == 0 {
		return "", nil
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// requirement checks an entry of a list. It must not become an option or a second line.
func requirement(entry, dir string) (string, error) {
	line := strings.TrimSpace(entry)
	switch {
	case line == "" || strings.HasPrefix(line, "#") || strings.HasSuffix(line, `\`) || strings.ContainsFunc(line, isControl):
		return "", plugins.Errorf(plugins.BadInput, "cannot read the requirement %q: write it like \"requests>=2,<3\"", entry)
	case strings.HasPrefix(line, "-"):
		e := plugins.Errorf(plugins.BadInput, "cannot take the option %q as a requirement", entry)
		e.Hint = "there are index_url and find_links; a requirements file may hold options"
		return "", e
	}
	return anchored(line, dir), nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }

// anchored makes a requirement that is a path absolute: the builder's working directory is its own.
func anchored(line, dir string) string {
	if strings.HasPrefix(line, "./") || strings.HasPrefix(line, "../") {
		return filepath.Join(dir, line)
	}
	return line
}

// requirementsFile reads a file into lines without comments and continuations.
func requirementsFile(path, name string, depth int) ([]string, error) {
	if depth > maxNested {
		return nil, plugins.Errorf(plugins.BadInput, "cannot read the requirements in %s: files name each other more than %d deep", name, maxNested)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, plugins.Errorf(plugins.BadInput, "cannot read the requirements in %s: %w", name, bare(err))
	}
	var lines []string
	for _, line := range logicalLines(string(text)) {
		option, value := splitOption(line)
		there := absolute(value, filepath.Dir(path))
		switch option {
		case "":
			lines = append(lines, anchored(line, filepath.Dir(path)))
		case "-r", "--requirement":
			nested, err := requirementsFile(there, value, depth+1)
			if err != nil {
				return nil, err
			}
			lines = append(lines, nested...)
		case "-c", "--constraint":
			content, err := os.ReadFile(there)
			if err != nil {
				return nil, plugins.Errorf(plugins.BadInput, "cannot read the constraints in %s: %w", value, bare(err))
			}
			lines = append(lines, "-c "+there, fmt.Sprintf("# sha256 %x", sha256.Sum256(content)))
		case "-f", "--find-links":
			lines = append(lines, option+" "+located(value, filepath.Dir(path)))
		case "-e", "--editable":
			e := plugins.Errorf(plugins.BadInput, "cannot take %q from %s: environments are shared and never change", line, name)
			e.Hint = "leave out " + option
			return nil, e
		default:
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// splitOption splits "-r file", "-rfile" and "--requirement=file"; option is "" for a requirement.
func splitOption(line string) (option, value string) {
	switch {
	case strings.HasPrefix(line, "--"):
		i := strings.IndexAny(line, "= \t")
		if i < 0 {
			return line, ""
		}
		return line[:i], strings.TrimSpace(line[i+1:])
	case strings.HasPrefix(line, "-") && len(line) > 1:
		return line[:2], strings.TrimSpace(line[2:])
	}
	return "", ""
}

// logicalLines splits a requirements file as pip does: a backslash at the end of a line joins the
// next one, "#" begins a comment at the start of a line or after a blank. A comment line is no part
// of a joined line.
func logicalLines(text string) []string {
	var lines []string
	var joined strings.Builder
	flush := func() {
		if line := strings.TrimSpace(uncommented(joined.String())); line != "" {
			lines = append(lines, line)
		}
		joined.Reset()
	}
	text = strings.TrimPrefix(text, "\ufeff")
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		line = strings.TrimSuffix(line, "\n")
		comment := strings.HasPrefix(strings.TrimSpace(line), "#")
		if !comment {
			head, more := strings.CutSuffix(line, `\`)
			joined.WriteString(head)
			if more {
				continue
			}
		}
		flush()
	}
	flush()
	return lines
}

func uncommented(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}
