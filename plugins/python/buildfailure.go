package python

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"weft/plugins"
	"weft/proc"
)

// A symptom is what pip or uv says, and what it means. The first that is found in what was said
// counts: one that may pass comes before those that its being there brings about.
type symptom struct {
	found *regexp.Regexp // its first group, if any, is named in the reason
	kind  plugins.Kind
	why   string // %s = the group; "" = the program's own words
	hint  string
}

var errNoPip = errors.New("there is no pip")

const (
	hintPackage = "see its name, the versions that exist, and those that fit this Python"
	hintBuild   = "the log says why; a wheel for this Python would need no building"
)

var symptoms = []symptom{
	{regexp.MustCompile(`(?m)^\S+: No module named (?:pip|venv)$`), plugins.BadInput, "", "install uv, or the packages of pip and venv that belong to this Python"},
	{regexp.MustCompile(`no such option: --python`), plugins.BadInput, "pip is older than 22.3", "install uv, or a newer pip"},
	{regexp.MustCompile(`(?i)No space left on device|Disk quota exceeded`), plugins.Temporary, "the disk is full", ""},
	{regexp.MustCompile(`(?i)connection broken by|Failed to establish a new connection|Temporary failure in name resolution|ReadTimeout|Failed to fetch|error sending request|HTTP error 5\d\d`), plugins.Temporary, "the index cannot be reached", ""},
	{regexp.MustCompile(`(?m)No matching distribution found for (.+)$`), plugins.BadInput, "there is no package that fits %s", hintPackage},
	{regexp.MustCompile(`Because (\S+) was not found in the `), plugins.BadInput, "there is no package that fits %s", hintPackage},
	{regexp.MustCompile(`Because there (?:is|are) no versions? of (\S+) and you require`), plugins.BadInput, "there is no package that fits %s", hintPackage},
	{regexp.MustCompile(`ResolutionImpossible|No solution found when resolving`), plugins.BadInput, "no versions fit all requirements", "the log says which of them disagree"},
	{regexp.MustCompile(`(?m)Invalid requirement: (.+?)(?: \(from line.*)?$`), plugins.BadInput, "cannot read the requirement %s", ""},
	{regexp.MustCompile("Couldn't parse requirement|Failed to parse"), plugins.BadInput, "", ""},
	{regexp.MustCompile("(?m)(?:Failed building wheel for|Failed to build) `?([^`\n]+?)`?$"), plugins.Temporary, "%s does not build", hintBuild},
	{regexp.MustCompile(`metadata-generation-failed|subprocess-exited-with-error|BackendUnavailable`), plugins.Temporary, "a package does not build", hintBuild},
}

// buildFailure makes one message of how a program of a build failed and what it said.
func buildFailure(tool string, exit proc.Exit, said string) error {
	for _, s := range symptoms {
		m := s.found.FindStringSubmatch(said)
		if m == nil {
			continue
		}
		why := s.why
		switch {
		case why == "":
			why = tool + ": " + lastWords(said)
		case len(m) > 1 && strings.Contains(why, "%s"):
			why = fmt.Sprintf(why, strings.TrimSpace(m[1]))
		}
		e := plugins.Errorf(s.kind, "cannot build the environment: %s", why)
		if strings.HasSuffix(m[0], ": No module named pip") {
			e = plugins.Errorf(s.kind, "cannot build the environment: %w for this Python", errNoPip)
		}
		e.Hint = s.hint
		return e
	}
	why := fmt.Sprintf("%s %s", tool, exit)
	if words := lastWords(said); words != "" {
		why += ": " + words
	}
	return plugins.Errorf(plugins.Temporary, "cannot build the environment: %s", why)
}

func lacksPip(err error) bool { return errors.Is(err, errNoPip) }

// lastWords returns the last line that calls itself an error, else the last line.
func lastWords(said string) string {
	last := ""
	marked := false
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		rest, is := strings.CutPrefix(line, "ERROR: ")
		if !is {
			rest, is = strings.CutPrefix(line, "error: ")
		}
		if line != "" && !strings.HasSuffix(rest, ":") && (is || !marked) {
			last, marked = rest, marked || is
		}
	}
	return last
}
