package cli

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"weft/diag"
	"weft/plugins"
	"weft/plugins/all"
	"weft/plugins/http"
	"weft/spec"
)

// codeForm is what looks like a diagnostic's code, perhaps misspelt: no run's id does.
var codeForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z]-?[0-9OoIl]{2,4}$`) })

// A codePage is what `weft explain CODE --json` gives.
type codePage struct {
	spec.Page
	Prints string `json:"prints"` // what weft validate prints of the wrong example
}

// explainCode prints what there is to say about a code.
func (e *env) explainCode(word string, asJSON bool) error {
	code := strings.ToUpper(word)
	if p, ok := casePage(code); ok {
		return e.explainCase(p, asJSON)
	}
	page, ok := spec.PageOf(code)
	switch {
	case !ok && !codeForm().MatchString(word):
		return usagef("name a run and its task, or the code of a diagnostic, such as G201")
	case !ok:
		err := fmt.Errorf("there is no code %q", word)
		if near := spec.NearCodes(word); len(near) > 0 {
			return &hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
		}
		return &hinted{err, "the codes stand in brackets in what weft validate says, and in docs/errors.md"}
	}
	e.color = e.colorOn(e.stdout)
	ds, source := sampled(page.Wrong)
	var prints bytes.Buffer
	if err := diag.Text(&prints, ds, diag.Options{Source: source, Color: e.color && !asJSON}); err != nil {
		return err
	}
	if asJSON {
		return e.printJSON(codePage{page, prints.String()})
	}
	var out strings.Builder
	columns := min(width(e.stdout, 100), 100)
	fmt.Fprintf(&out, "%s\n\n%s\n", ansi.Wordwrap(code+" ("+page.Severity+"): "+page.Title, columns, ""), ansi.Wordwrap(page.Why, columns, ""))
	indented(&out, "Wrong:", sampleText(page.Wrong))
	indented(&out, "weft validate says:", prints.String())
	indented(&out, "Right:", sampleText(page.Right))
	if _, err := e.stdout.Write([]byte(out.String())); err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	return nil
}

// sampled validates a page's files as if they stood alone, whatever is set here.
func sampled(files []spec.Sample) ([]spec.Diagnostic, func(string) []byte) {
	var found []finding
	o := spec.Options{Plugins: known{plugins.NewRegistry(all.Plugins("", http.Policy{}, nil)...)}, FileExists: func(string) bool { return false }, Lint: rehearsed}
	sources := map[string][]byte{}
	for _, f := range files {
		sources[f.File] = []byte(f.Text)
		d, ds := spec.Parse(f.File, []byte(f.Text), o)
		found = append(found, findingOf(target{path: f.File}, checked{file: f.File, src: sources[f.File], dag: d, ds: ds}))
	}
	return findings(found, true), func(file string) []byte { return sources[file] }
}

// rehearsed is what shellcheck says of the one script of its page: a page reads the same on every machine.
// A test holds it against the program.
func rehearsed(s spec.Script) []spec.Remark {
	if s.Text != `rm -rf "$DIR/"*` {
		return nil
	}
	return []spec.Remark{{
		Code: "SC2115", Severity: spec.Warning, Line: 1, Column: 8, EndLine: 1, EndColumn: 16,
		Message: `use "${var:?}" to ensure this never expands to /*`, Page: "https://www.shellcheck.net/wiki/SC2115",
	}}
}

func sampleText(files []spec.Sample) string {
	var out strings.Builder
	for i, f := range files {
		if len(files) > 1 {
			if i > 0 {
				out.WriteByte('\n')
			}
			fmt.Fprintf(&out, "# %s\n", f.File)
		}
		out.WriteString(f.Text)
	}
	return out.String()
}

// indented writes a block below its title. Control characters are seen, not sent.
func indented(out *strings.Builder, title, text string) {
	fmt.Fprintf(out, "\n%s\n\n", title)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line != "" {
			line = "  " + line
		}
		out.WriteString(pictured(line) + "\n")
	}
}

// pictured shows control characters by their pictures; colours stay.
func pictured(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\x1b' {
			return r + 0x2400
		}
		return r
	}, s)
}

// completeCodes completes the codes that there are.
func completeCodes(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []string
	for _, code := range spec.Codes() {
		if page, ok := spec.PageOf(code); ok && strings.HasPrefix(code, strings.ToUpper(begun)) {
			list = append(list, code+"\t"+page.Title)
		}
	}
	for _, page := range casePages {
		if strings.HasPrefix(page.Code, strings.ToUpper(begun)) {
			list = append(list, page.Code+"\t"+page.Title)
		}
	}
	slices.Sort(list)
	return list, cobra.ShellCompDirectiveNoFileComp
}
