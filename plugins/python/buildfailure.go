package python

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"weft/plugins"
	"weft/proc"
)

// A symptom is what pip or uv says, and what it means. The first that is found in what was said
// counts: one that may pass comes before those that its being there brings about.
type symptom struct {
	found *regexp.Regexp // its first group that holds something is named in the reason
	kind  plugins.Kind
	why   string // %s = the group; "" = the program's own words
	hint  string
	is    error // for those who act on it; nil = nobody does
}

// A reason is why a build failed, in words, and as what others may ask for it.
type reason struct {
	text string
	is   error
}

func (r reason) Error() string         { return r.text }
func (r reason) Is(another error) bool { return r.is != nil && another == r.is }

var (
	errNoPip     = errors.New("there is no pip")
	errNoPackage = errors.New("there is no package")
)

const (
	whyPackage  = "there is no package that fits %s"
	hintPip     = "install uv, or the packages of pip and venv that belong to this Python"
	hintPackage = "see its name, the versions that exist, and those that fit this Python and machine"
	hintIndex   = "see index_url, and whether the network is there"
	hintRefused = "see index_url, and the user and password in it"
	hintBuild   = "the log says why; a wheel for this Python would need no building"
)

// atHost begins what pip's log says of an index; the host is the group.
const atHost = `Could not fetch URL https?://(?:[^/@\s]*@)?([^/\s]+)\S*: `

// symptoms are looked through when a build has failed, and made then.
var symptoms = sync.OnceValue(func() []symptom {
	return []symptom{
		{found: regexp.MustCompile(`(?m)^\S+: No module named pip$`), kind: plugins.BadInput, why: "there is no pip for this Python", hint: hintPip, is: errNoPip},
		{found: regexp.MustCompile(`(?m)^\S+: No module named venv$`), kind: plugins.BadInput, hint: hintPip},
		{found: regexp.MustCompile(`no such option: --python`), kind: plugins.BadInput, why: "pip is older than 22.3", hint: "install uv, or a newer pip"},
		{found: regexp.MustCompile(`(?i)No space left on device|Disk quota exceeded`), kind: plugins.Temporary, why: "the disk is full"},
		{found: regexp.MustCompile(`repository located at (\S+) is not a trusted or secure host`), kind: plugins.BadInput, why: "pip does not trust the index at %s, which has no https", hint: "use https, or name it in PIP_TRUSTED_HOST"},
		{found: regexp.MustCompile(atHost + `.*confirming the ssl certificate`), kind: plugins.BadInput, why: "the certificate of the index at %s is not trusted", hint: "name its authority's file in PIP_CERT"},
		{found: regexp.MustCompile(atHost + `(?:connection error|timed out|.*too many 5\d\d|5\d\d Server Error)`), kind: plugins.Temporary, why: "the index at %s cannot be reached", hint: hintIndex},
		{found: regexp.MustCompile(`An index (?:URL )?\(https?://(?:[^/@\s]*@)?([^/)\s]+)\S*\) (?:returned a 40|could not be queried due to a lack of valid auth)`), kind: plugins.Remote, why: "the index at %s refuses access", hint: hintRefused},
		{found: regexp.MustCompile(atHost + `40[137] Client Error`), kind: plugins.Remote, why: "the index at %s refuses access", hint: hintRefused},
		{found: regexp.MustCompile(`(?i)connection broken by|Failed to establish a new connection|Temporary failure in name resolution|ReadTimeout|Failed to fetch|error sending request|HTTP error 5\d\d`), kind: plugins.Temporary, why: "the index cannot be reached"},
		{found: regexp.MustCompile(`(?m)(\S+\.whl) is not a supported wheel on this platform`), kind: plugins.BadInput, why: "%s is for another Python or machine"},
		{found: regexp.MustCompile(`It looks like a path\. File '(.+?)' does not exist|Distribution not found at: (?:file://)?(\S+)`), kind: plugins.BadInput, why: "there is no file %s"},
		{found: regexp.MustCompile(`(?m)No matching distribution found for (.+)$`), kind: plugins.BadInput, why: whyPackage, hint: hintPackage, is: errNoPackage},
		{found: regexp.MustCompile(`Because (\S+) was not found in the `), kind: plugins.BadInput, why: whyPackage, hint: hintPackage},
		{found: regexp.MustCompile(`Because there (?:is|are) no versions? of (\S+) and you require`), kind: plugins.BadInput, why: whyPackage, hint: hintPackage},
		{found: regexp.MustCompile(`ResolutionImpossible|No solution found when resolving`), kind: plugins.BadInput, why: "no versions fit all requirements", hint: "the log says which of them disagree"},
		{found: regexp.MustCompile(`(?m)Invalid requirement: (.+?)(?: \(from line.*)?$`), kind: plugins.BadInput, why: "cannot read the requirement %s"},
		{found: regexp.MustCompile("Couldn't parse requirement|Failed to parse"), kind: plugins.BadInput},
		{found: regexp.MustCompile("(?m)(?:Failed building wheel for|Failed to build) `?([^`\n]+?)`?$"), kind: plugins.Temporary, why: "%s does not build", hint: hintBuild},
		{found: regexp.MustCompile(`metadata-generation-failed|subprocess-exited-with-error|BackendUnavailable`), kind: plugins.Temporary, why: "a package does not build", hint: hintBuild},
	}
})

// buildFailure makes one message of how a program of a build failed and what it said.
func buildFailure(tool string, exit proc.Exit, said string) error {
	for _, s := range symptoms() {
		m := s.found.FindStringSubmatch(said)
		if m == nil {
			continue
		}
		why := s.why
		switch {
		case why == "":
			why = tool + ": " + lastWords(said)
		case strings.Contains(why, "%s"):
			why = fmt.Sprintf(why, strings.TrimSpace(cmp.Or(m[1:]...)))
		}
		e := plugins.Errorf(s.kind, "cannot build the environment: %w", reason{why, s.is})
		e.Hint = s.hint
		return e
	}
	why := fmt.Sprintf("%s %s", tool, exit)
	if words := lastWords(said); words != "" {
		why += ": " + words
	}
	return plugins.Errorf(plugins.Temporary, "cannot build the environment: %s", why)
}

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
