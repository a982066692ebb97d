package diag

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"weft/spec"
)

// The parts of SARIF 2.1.0 (OASIS, errata 01) that are used: a log of one run, with the rules that have
// findings, each with its page, and the findings with their places and fixes. Code scanning services and
// editors read it.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string      `json:"id"`
		Short   *sarifText  `json:"shortDescription,omitempty"`
		Full    *sarifText  `json:"fullDescription,omitempty"`
		Help    *sarifText  `json:"help,omitempty"`
		Default *sarifLevel `json:"defaultConfiguration,omitempty"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId,omitempty"`
		RuleIndex *int            `json:"ruleIndex,omitempty"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
		Related   []sarifLocation `json:"relatedLocations,omitempty"`
		Fixes     []sarifFix      `json:"fixes,omitempty"`
	}
	sarifLocation struct {
		ID       *int          `json:"id,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifFix struct {
		Description *sarifText    `json:"description,omitempty"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`
		Inserted *sarifText  `json:"insertedContent,omitempty"`
	}
)

// sarifSchema is where the published schema stands.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// SARIF writes a log in the Static Analysis Results Interchange Format, 2.1.0.
func SARIF(w io.Writer, ds []spec.Diagnostic, o Options) error {
	ds = conceal(ds, o)
	codes := map[string]bool{}
	for _, d := range ds {
		if d.Code != "" {
			codes[d.Code] = true
		}
	}
	order := slices.Sorted(maps.Keys(codes))
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "weft", Version: o.Version, Rules: make([]sarifRule, 0, len(order))}},
		ColumnKind: "unicodeCodePoints", Results: make([]sarifResult, 0, len(ds)),
	}
	for _, code := range order {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(code))
	}
	hidden := masks(ds)
	for _, d := range ds {
		r := sarifResult{
			RuleID: d.Code, Level: sarifLevels[d.Severity], Message: sarifText{Text: whole(d, o)},
			Locations: []sarifLocation{{Physical: sarifPhysical{sarifFile(d.File, o), region(d.Line, d.Column, d.EndLine, d.EndColumn)}}},
			Fixes:     sarifFixes(d, o, hidden[d.File]),
		}
		if i, ok := slices.BinarySearch(order, d.Code); ok {
			r.RuleIndex = &i
		}
		for i, rel := range d.Related {
			file := rel.File
			if file == "" {
				file = d.File
			}
			r.Related = append(r.Related, sarifLocation{
				ID: &i, Physical: sarifPhysical{sarifFile(file, o), region(rel.Line, rel.Column, 0, 0)}, Message: &sarifText{Text: visible(rel.Text)},
			})
		}
		run.Results = append(run.Results, r)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(sarifLog{sarifSchema, "2.1.0", []sarifRun{run}}); err != nil {
		return fmt.Errorf("cannot write the findings: %w", err)
	}
	return nil
}

var sarifLevels = map[spec.Severity]string{spec.Error: "error", spec.Warning: "warning", spec.Info: "note", "": "error"}

// sarifRuleOf makes a rule of a code's page.
func sarifRuleOf(code string) sarifRule {
	rule := sarifRule{ID: code}
	if page, ok := spec.PageOf(code); ok {
		worst, _, _ := strings.Cut(page.Severity, " ") // of "error or warning"
		level := sarifLevels[spec.Severity(worst)]
		rule.Short, rule.Full = &sarifText{Text: page.Title}, &sarifText{Text: page.Why}
		rule.Help, rule.Default = &sarifText{page.Title + "\n\n" + page.Why, page.Why + "\n\n" + examples(page)}, &sarifLevel{level}
	}
	return rule
}

// examples shows a page's files, in Markdown.
func examples(page spec.Page) string {
	var out strings.Builder
	for _, side := range []struct {
		title string
		files []spec.Sample
	}{{"Wrong", page.Wrong}, {"Right", page.Right}} {
		fmt.Fprintf(&out, "%s:\n", side.title)
		for _, f := range side.files {
			fmt.Fprintf(&out, "\n```yaml\n%s```\n", f.Text)
		}
		out.WriteByte('\n')
	}
	return strings.TrimSpace(out.String())
}

// sarifFile names a file by a URI: relative as the file is, or a file's of its own.
func sarifFile(file string, o Options) sarifArtifact {
	file = filepath.ToSlash(o.path(file))
	u := url.URL{Path: file}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return sarifArtifact{u.String()}
}

// region is a place as far as it is one: lines and columns count from 1, and no end lies before its beginning.
func region(line, column, endLine, endColumn int) *sarifRegion {
	if line < 1 {
		return nil
	}
	r := &sarifRegion{StartLine: line, StartColumn: max(column, 0)}
	if column > 0 && (endLine > line && endColumn > 0 || endLine == line && endColumn >= column) {
		r.EndLine, r.EndColumn = endLine, endColumn
	}
	return r
}

// sarifFixes is a diagnostic's fix; none if it would show or touch what is masked.
func sarifFixes(d spec.Diagnostic, o Options, hidden map[int][]stretch) []sarifFix {
	if !d.Fixable() {
		return nil
	}
	change := sarifChange{Artifact: sarifFile(d.File, o)}
	for _, e := range d.Edits {
		at := region(e.Line, e.Column, e.EndLine, e.EndColumn)
		if at == nil || at.EndLine == 0 || len(hidden[e.Line])+len(hidden[e.EndLine]) > 0 {
			return nil
		}
		change.Replacements = append(change.Replacements, sarifReplacement{*at, &sarifText{Text: e.Text}})
	}
	fix := sarifFix{Changes: []sarifChange{change}}
	for _, n := range d.Notes {
		if n.Kind == "fix" {
			fix.Description = &sarifText{Text: visible(n.Text)}
		}
	}
	return []sarifFix{fix}
}
