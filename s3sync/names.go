package s3sync

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// ownFolder is where the manifest and the packs lie, below the prefix.
const ownFolder = ".weft"

const (
	maxKey  = 1024 // bytes of a key, S3's limit
	maxPart = 255  // bytes of a name in a folder
)

// badPath says as a clause why a path cannot be both a file below a folder and a key below a prefix;
// "" if it can.
func badPath(file string) string {
	switch {
	case file == "":
		return "it is empty"
	case len(file) > maxKey:
		return fmt.Sprintf("it has %d bytes, at most %d are allowed", len(file), maxKey)
	case !utf8.ValidString(file):
		return "it is not UTF-8"
	case strings.HasPrefix(file, "/"):
		return "it begins with a slash"
	case file == ownFolder || strings.HasPrefix(file, ownFolder+"/"):
		return ownFolder + " is weft's own"
	}
	for _, r := range file {
		if r < ' ' || r == 0x7f {
			return "it holds a control character"
		}
	}
	for part := range strings.SplitSeq(file, "/") {
		switch {
		case part == "":
			return "a part of it is empty"
		case part == "." || part == "..":
			return fmt.Sprintf("it has the part %q", part)
		case len(part) > maxPart:
			return fmt.Sprintf("a part of it has %d bytes, at most %d are allowed", len(part), maxPart)
		}
	}
	return ""
}

// A Note tells of something that is not what it could be: a file that is left out.
type Note struct {
	Path string `json:"path"`
	Text string `json:"text"` // a clause: "it is a symbolic link, which is not followed"
}

// String is the note as one line.
func (n Note) String() string { return fmt.Sprintf("%s is left out: %s", shownPath(n.Path), n.Text) }

// shownPath quotes a path where it would not stand alone in a line.
func shownPath(file string) string {
	if !utf8.ValidString(file) || file == "" || strings.ContainsFunc(file, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
		return fmt.Sprintf("%.200q", file)
	}
	return file
}

// twins returns the paths, of some that are sorted, which no folder can hold together, each with the
// reason: a file where another needs a folder; names that differ in case alone, of which the later one
// counts as the twin.
func twins(paths []string) (bad []Note) {
	folders, folded := map[string]string{}, map[string]string{}
	for _, p := range paths {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if _, known := folders[dir]; known {
				break
			}
			folders[dir] = p
		}
	}
	seen := map[string]bool{}
	for _, p := range paths {
		if other, both := folders[p]; both {
			bad = append(bad, Note{p, fmt.Sprintf("%s needs a folder of that name", shownPath(other))})
			continue
		}
		// A folder may differ in case too: a/x and A/y. Its first spelling counts.
		for dir := p; dir != "." && !seen[dir]; dir = path.Dir(dir) {
			low := strings.ToLower(dir)
			if first, both := folded[low]; both && first != dir {
				bad = append(bad, Note{p, fmt.Sprintf("it differs from %s in case alone, and not every folder can hold both", shownPath(first))})
				break
			}
			folded[low], seen[dir] = dir, true
		}
	}
	slices.SortFunc(bad, func(a, b Note) int { return strings.Compare(a.Path, b.Path) })
	return bad
}

// inWay tells of paths that go which of them stand where one that comes needs a folder, or in a folder
// where one that comes is a file. They have to go first.
func inWay(gone, come []string) (now, later []string) {
	files, folders := map[string]bool{}, map[string]bool{}
	for _, p := range come {
		files[p] = true
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	for _, p := range gone {
		first := folders[p]
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			first = first || files[dir]
		}
		if first {
			now = append(now, p)
		} else {
			later = append(later, p)
		}
	}
	return now, later
}
