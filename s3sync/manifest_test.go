package s3sync

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestPathsThatCannotBe: S3 takes nearly any key; a folder does not.
func TestPathsThatCannotBe(t *testing.T) {
	for path, why := range map[string]string{
		"":                        "it is empty",
		"/x":                      "it begins with a slash",
		"../x":                    `it has the part ".."`,
		"a/../../x":               `it has the part ".."`,
		"./x":                     `it has the part "."`,
		"a//b":                    "a part of it is empty",
		"a/":                      "a part of it is empty",
		"a\x00b":                  "it holds a control character",
		"a\nb":                    "it holds a control character",
		"a\x7fb":                  "it holds a control character",
		"\xff":                    "it is not UTF-8",
		".weft":                   ".weft is weft's own",
		".weft/packs/x":           ".weft is weft's own",
		strings.Repeat("x", 256):  "a part of it has 256 bytes, at most 255 are allowed",
		strings.Repeat("x/", 513): "it has 1026 bytes, at most 1024 are allowed",
		"a b/ü%2F\\+&.yaml":       "",
		"...":                     "",
		".weftignore":             "",
		"weft/.weft":              "",
	} {
		if got := badPath(path); got != why {
			t.Errorf("%q: %q, want %q", path, got, why)
		}
	}
}

func TestTwins(t *testing.T) {
	for _, c := range []struct{ paths, bad string }{
		{"a b c/d c/e", ""},
		{"x x/y", "x"},
		{"x x.yaml x/y/z", "x"},
		{"A.yaml a.yaml", "a.yaml"},
		{"A/x a/y a/z", "a/y a/z"},
		{"a/B/c a/b", "a/b"},
		{"a/x b/x", ""},
		{"É é", "é"},
	} {
		var got []string
		for _, n := range twins(strings.Fields(c.paths)) {
			got = append(got, n.Path)
		}
		if strings.Join(got, " ") != c.bad {
			t.Errorf("%s: %v are out, want %s", c.paths, got, c.bad)
		}
	}
}

func sample() *Manifest {
	m := &Manifest{
		Format: 1, ID: "id", Generation: 3, Published: time.Unix(1e9, 0).UTC(), By: "ada",
		Packs: []Pack{{"3-id-0.pack", 30}},
	}
	for i, p := range []string{"a.yaml", "b/c.sh"} {
		m.Files = append(m.Files, File{Path: p, Size: 10, SHA256: strings.Repeat("ab", 32), Exec: i == 1, At: int64(10 * i)})
	}
	m.Set = SetOf(m.Files)
	return m
}

// TestManifestsThatAreRefused: what a publisher never writes is not used, whoever wrote it.
func TestManifestsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(m *Manifest)
		says  string
	}{
		"as it is":          {func(*Manifest) {}, ""},
		"of a newer weft":   {func(m *Manifest) { m.Format = 2 }, "it has format 2, this weft knows 1: a newer weft has published it"},
		"of nobody":         {func(m *Manifest) { m.ID = "" }, "it is no manifest of weft"},
		"traversal":         {func(m *Manifest) { m.Files[0].Path = "../a" }, `it names a file ../a: it has the part ".."`},
		"absolute":          {func(m *Manifest) { m.Files[0].Path = "/a" }, "it names a file /a: it begins with a slash"},
		"its own folder":    {func(m *Manifest) { m.Files[0].Path = ".weft/manifest.json" }, "it names a file .weft/manifest.json: .weft is weft's own"},
		"a pack elsewhere":  {func(m *Manifest) { m.Packs[0].Name = "../../secret" }, `it names a pack "../../secret"`},
		"twice":             {func(m *Manifest) { m.Files[1].Path = "a.yaml" }, "a.yaml is not in its place"},
		"unsorted":          {func(m *Manifest) { m.Files[1].Path = "A.yaml" }, "A.yaml is not in its place"},
		"x and x/y":         {func(m *Manifest) { m.Files[1].Path = "a.yaml/x" }, "a.yaml cannot be: a.yaml/x needs a folder of that name"},
		"case twins":        {func(m *Manifest) { m.Files[0].Path, m.Files[1].Path = "A", "a" }, "a cannot be: it differs from A in case alone, and not every folder can hold both"},
		"no hash":           {func(m *Manifest) { m.Files[0].SHA256 = "ab" }, "the SHA-256 of a.yaml is none"},
		"beyond its pack":   {func(m *Manifest) { m.Files[1].At = 21 }, "b/c.sh lies outside its pack"},
		"of no pack":        {func(m *Manifest) { m.Files[1].Pack = 1 }, "b/c.sh lies outside its pack"},
		"a size below zero": {func(m *Manifest) { m.Files[1].Size = -1 }, "b/c.sh lies outside its pack"},
		"another set":       {func(m *Manifest) { m.Files[0].Exec = true; m.Set = sample().Set }, "its files are not those of the set that it names"},
	} {
		m := sample()
		was := m.Set
		c.spoil(m)
		if m.Set == was && name != "another set" {
			m.Set = SetOf(m.Files)
		}
		src, err := m.encode()
		if err != nil || !json.Valid(src) {
			t.Fatalf("%s: %v\n%s", name, err, src)
		}
		_, err = decode(src)
		if got := fmt.Sprint(err); got != c.says && (c.says != "" || err != nil) {
			t.Errorf("%s: %s, want %s", name, got, c.says)
		}
	}
	for src, says := range map[string]string{
		"":                              "it is no manifest: unexpected end of JSON input",
		"<html>":                        "it is no manifest: invalid character '<' looking for beginning of value",
		"{}":                            "it is no manifest of weft",
		`{"format": 9, "files": {}}`:    "it has format 9, this weft knows 1: a newer weft has published it",
		`{"format": 1, "files": {}}`:    "it is no manifest: json: cannot unmarshal object into Go struct field Manifest.files of type []s3sync.File",
		`{"format":1,"id":"x"} garbage`: "it is no manifest: invalid character 'g' after top-level value",
	} {
		if _, err := decode([]byte(src)); fmt.Sprint(err) != says {
			t.Errorf("%s: %v, want %s", src, err, says)
		}
	}
}

// TestPacks: whatever was published before, each file of a set lies in a pack that is named, where its
// bytes are; packs are few; nothing that is there is sent again without need.
func TestPacks(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	content := map[string]string{} // pack → its bytes, as hashes
	base := &Manifest{}
	for gen := range 200 {
		m := &Manifest{Generation: int64(gen + 1)}
		for i := range 30 {
			if r.IntN(10) > 0 {
				m.Files = append(m.Files, File{Path: fmt.Sprintf("f%02d", i), Size: int64(64 * r.IntN(2)), SHA256: fmt.Sprintf("%064x", i*1000+gen/(i+1))})
			}
		}
		for i, f := range m.Files {
			if f.Size == 0 {
				m.Files[i].SHA256 = strings.Repeat("e", 64)
			}
		}
		fresh := arrange(m, base, func(n int) string { return fmt.Sprintf("%d-%d", gen, n) })
		for _, p := range fresh {
			for _, i := range p.files {
				content[p.Name] += m.Files[i].SHA256
			}
			if int64(len(content[p.Name])) != p.Size {
				t.Fatalf("generation %d: %s has %d bytes, is said to have %d", gen, p.Name, len(content[p.Name]), p.Size)
			}
		}
		for _, f := range m.Files {
			if f.Size == 0 {
				continue
			}
			pack := m.Packs[f.Pack]
			if bytes := content[pack.Name]; f.At+64 > int64(len(bytes)) || bytes[f.At:f.At+64] != f.SHA256 || int64(len(bytes)) != pack.Size {
				t.Fatalf("generation %d: %s does not lie at %d of %s", gen, f.Path, f.At, pack.Name)
			}
		}
		if len(m.Packs) > mostPacks {
			t.Errorf("generation %d names %d packs", gen, len(m.Packs))
		}
		base = m
	}
}
