package s3sync

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// format is the version of the manifest and of all that it names.
const format = 1

// A File is one file of a set.
type File struct {
	Path   string `json:"path"` // relative to the prefix, with slashes
	Size   int64  `json:"size"` // in bytes
	SHA256 string `json:"sha256"`
	Exec   bool   `json:"exec,omitempty"` // may be executed
	Pack   int    `json:"pack"`           // an index of Manifest.Packs
	At     int64  `json:"at"`             // the first byte of it in the pack
}

// same tells whether two files have one content; where that lies is no part of it.
func (f File) same(g File) bool {
	return f.Path == g.Path && f.Size == g.Size && f.SHA256 == g.SHA256 && f.Exec == g.Exec
}

// A Pack is an object that holds bytes of files.
type Pack struct {
	Name string `json:"name"` // below .weft/packs/; used once
	Size int64  `json:"size"`
}

// A Retired pack is one that no file needs any more, but perhaps a reader who is slow.
type Retired struct {
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
}

// A Manifest is a set of files as it was published.
type Manifest struct {
	Format     int       `json:"format"`
	ID         string    `json:"id"`         // of this publication, random
	Generation int64     `json:"generation"` // one more than that of the manifest it replaced
	Set        string    `json:"set"`        // what the files hash to, wherever they lie
	Published  time.Time `json:"published"`
	By         string    `json:"by"`
	Packs      []Pack    `json:"packs"`
	Retired    []Retired `json:"retired,omitempty"`
	// Removing are the paths that the mirror may still show, and must not once it shows this set.
	Removing []string `json:"removing,omitempty"`
	Files    []File   `json:"files"` // by path
}

// SetOf is the name of a set of files that are sorted by path: the SHA-256, in hex, of a line for each
// of them, "<sha256> <x or -> <size> <path>\n".
func SetOf(files []File) string {
	sum := sha256.New()
	var line []byte
	for _, f := range files {
		line = append(line[:0], f.SHA256...)
		if f.Exec {
			line = append(line, " x "...)
		} else {
			line = append(line, " - "...)
		}
		line = strconv.AppendInt(line, f.Size, 10)
		line = append(append(append(line, ' '), f.Path...), '\n')
		sum.Write(line)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func pathsOf(files []File) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Path
	}
	return out
}

// file finds a file by its path.
func (m *Manifest) file(path string) (File, bool) {
	at, found := slices.BinarySearchFunc(m.Files, path, func(f File, p string) int { return strings.Compare(f.Path, p) })
	if !found {
		return File{}, false
	}
	return m.Files[at], true
}

// encode writes the manifest, one file a line: people compare two of them.
func (m *Manifest) encode() ([]byte, error) {
	short := *m
	short.Files = nil
	head, err := json.Marshal(short)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(head)+200*len(m.Files)), head[:len(head)-len("null}")]...)
	out = append(out, '[')
	for i, f := range m.Files {
		line, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, '\n'), line...)
	}
	return append(out, "\n]}\n"...), nil
}

// decode reads a manifest and holds it against what every publisher keeps to. Nothing of one that
// does not is used.
func decode(src []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(src, &m); err != nil {
		var v struct {
			Format int `json:"format"`
		}
		if json.Unmarshal(src, &v) != nil || v.Format <= format {
			return nil, errors.New("it is no manifest: " + err.Error())
		}
		m.Format = v.Format
	}
	if m.Format > format {
		return nil, fmt.Errorf("it has format %d, this weft knows %d: a newer weft has published it", m.Format, format)
	}
	return &m, m.check()
}

func (m *Manifest) check() error {
	if m.Format < 1 || m.ID == "" {
		return errors.New("it is no manifest of weft")
	}
	for _, p := range m.Packs {
		if bad := badPath(p.Name); bad != "" || strings.Contains(p.Name, "/") {
			return fmt.Errorf("it names a pack %q", p.Name)
		}
	}
	for _, p := range m.Removing {
		if bad := badPath(p); bad != "" {
			return fmt.Errorf("it names a file %s: %s", shownPath(p), bad)
		}
	}
	for i, f := range m.Files {
		if bad := badPath(f.Path); bad != "" {
			return fmt.Errorf("it names a file %s: %s", shownPath(f.Path), bad)
		}
		if raw, err := hex.DecodeString(f.SHA256); err != nil || len(raw) != sha256.Size || strings.ToLower(f.SHA256) != f.SHA256 {
			return fmt.Errorf("the SHA-256 of %s is none", shownPath(f.Path))
		}
		if f.Size > 0 && (f.Pack < 0 || f.Pack >= len(m.Packs) || f.At < 0 || f.At > m.Packs[f.Pack].Size-f.Size) || f.Size < 0 {
			return fmt.Errorf("%s lies outside its pack", shownPath(f.Path))
		}
		if i > 0 && m.Files[i-1].Path >= f.Path {
			return fmt.Errorf("%s is not in its place", shownPath(f.Path))
		}
	}
	if bad := twins(pathsOf(m.Files)); len(bad) > 0 {
		return fmt.Errorf("%s cannot be: %s", shownPath(bad[0].Path), bad[0].Text)
	}
	if m.Set != SetOf(m.Files) {
		return errors.New("its files are not those of the set that it names")
	}
	return nil
}
