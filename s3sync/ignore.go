package s3sync

import (
	"bufio"
	"bytes"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// IgnoreFile names the files that say what is not published, in the syntax of gitignore. One holds for
// its folder and what is below.
const IgnoreFile = ".weftignore"

// ownRules come before those of people, who may take them back: `!.env.example`.
var ownRules = []rule{
	{glob: "**/.*", exclude: true},
	{glob: "**/" + IgnoreFile},
	{glob: "**/__pycache__", exclude: true, folder: true},
}

// A rule is one line of an ignore file.
type rule struct {
	base    string // the folder of its file, "" or ending in "/"
	glob    string // for a path relative to base
	exclude bool
	folder  bool // fits folders alone
}

// parseIgnore reads the lines of an ignore file in a folder ("" or ending in "/"), as
// https://git-scm.com/docs/gitignore has them.
func parseIgnore(src []byte, base string) (rules []rule) {
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(src, []byte("\ufeff"))))
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), "\r")
		for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
			line = line[:len(line)-1]
		}
		if line == "" || line[0] == '#' {
			continue
		}
		r := rule{base: base, exclude: true}
		if rest, not := strings.CutPrefix(line, "!"); not {
			r.exclude, line = false, rest
		}
		line, r.folder = strings.CutSuffix(line, "/")
		anchored := strings.Contains(line, "/")
		line = strings.TrimPrefix(line, "/")
		if strings.HasSuffix(line, "/**") {
			line += "/*" // what is inside, not the folder itself
		}
		if !anchored {
			line = "**/" + line
		}
		r.glob = strings.NewReplacer("{", `\{`, "}", `\}`).Replace(line) // alternatives are no part of the syntax
		if doublestar.ValidatePattern(r.glob) {
			rules = append(rules, r)
		}
	}
	return rules
}

// ignored tells whether the last rule that fits a path excludes it. What is below a folder that is
// ignored is not asked for.
func ignored(rules []rule, file string, folder bool) bool {
	for i := len(rules) - 1; i >= 0; i-- {
		r := rules[i]
		rel, below := strings.CutPrefix(file, r.base)
		if !below || r.folder && !folder {
			continue
		}
		if fits, err := doublestar.Match(r.glob, rel); err == nil && fits {
			return r.exclude
		}
	}
	return false
}

// Rules answer for the files of a tree, whose folders they are told of from the top down.
type Rules map[string][]rule // by folder, "." at the top; with those of the folders above

// Enter takes in the ignore file of a folder, nil if it has none.
func (g Rules) Enter(folder string, src []byte) {
	rules := ownRules
	if folder != "." {
		rules = g[path.Dir(folder)]
	}
	base := ""
	if folder != "." {
		base = folder + "/"
	}
	if own := parseIgnore(src, base); len(own) > 0 {
		rules = append(rules[:len(rules):len(rules)], own...)
	}
	g[folder] = rules
}

// Ignored tells whether a file or folder is to be left out.
func (g Rules) Ignored(file string, folder bool) bool {
	return ignored(g[path.Dir(file)], file, folder)
}
