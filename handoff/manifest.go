package handoff

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"weft/machine"
)

// An entry is one thing below a folder that travels: a file, a symbolic link, or an empty folder.
type entry struct {
	Path       string `json:"path"` // slash-separated, below the folder
	Size       int64  `json:"size"`
	SHA256     string `json:"sha256,omitempty"`
	Executable bool   `json:"executable,omitempty"`
	Link       string `json:"link,omitempty"`   // where it leads; it stays inside the folder
	Folder     bool   `json:"folder,omitempty"` // an empty one
	// At is where it lies below the folder's URI, if that is not Path: names that a backend encodes.
	At string `json:"at,omitempty"`
}

// file tells whether the entry has bytes of its own in the handoff.
func (e entry) file() bool { return e.Link == "" && !e.Folder }

// A manifest is all that a folder holds, sorted by path. A folder is what its manifest says: other
// files that lie below its URI, as a crash leaves them, are none of its.
type manifest struct {
	Format  int     `json:"format"`
	Entries []entry `json:"entries"`
}

const (
	manifestFormat = 1
	maxManifest    = 64 << 20 // bytes
	maxEntries     = 200_000  // of one folder; more belong into an archive
)

// Where the parts of an artifact lie: a folder's files below artifacts/NAME/, its manifest in
// manifests/NAME.json. NAME is a plain one that no backend encodes.
const (
	filesPart    = "artifacts"
	manifestPart = "manifests"
)

// manifestURI tells where the manifest of a folder lies.
func manifestURI(folder string) (string, error) {
	if parent, name, ok := cutLast(strings.TrimSuffix(folder, "/")); ok {
		if base, ok := strings.CutSuffix(parent, "/"+filesPart); ok {
			return base + "/" + manifestPart + "/" + name + ".json", nil
		}
	}
	return "", errors.New("it is not the URI of a folder that weft has kept")
}

// folderURI is the other way round.
func folderURI(manifest string) (string, error) {
	if parent, name, ok := cutLast(strings.TrimSuffix(manifest, ".json")); ok {
		if base, ok := strings.CutSuffix(parent, "/"+manifestPart); ok {
			return base + "/" + filesPart + "/" + name + "/", nil
		}
	}
	return "", errors.New("it is not the URI of a manifest")
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

func (m manifest) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err == nil && len(body) > maxManifest {
		err = errors.New("the list of its files is too long (pack them into one file)")
	}
	return body, err
}

func (m manifest) size() (n int64) {
	for _, e := range m.Entries {
		n += e.Size
	}
	return n
}

func (m manifest) files() (n int) {
	for _, e := range m.Entries {
		if e.file() {
			n++
		}
	}
	return n
}

// fetchManifest reads and checks the manifest of a folder.
func fetchManifest(ctx context.Context, b Backend, a machine.Artifact) (manifest, error) {
	var m manifest
	uri, err := manifestURI(a.URI)
	if err != nil {
		return m, fmt.Errorf("cannot read %s: %w", a.URI, err)
	}
	rc, err := b.Fetch(ctx, uri)
	if err != nil {
		return m, err
	}
	defer rc.Close()
	body, err := io.ReadAll(io.LimitReader(rc, maxManifest+1))
	if err != nil {
		return m, err
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != a.SHA256 || len(body) > maxManifest {
		return m, fmt.Errorf("cannot read %s: its bytes are not those that were put there (SHA-256 differs)", uri)
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&m); err != nil || m.Format != manifestFormat {
		return m, fmt.Errorf("cannot read %s: it is no list of files that this weft knows", uri)
	}
	if err := m.check(a); err != nil {
		return m, fmt.Errorf("cannot read %s: %w", uri, err)
	}
	return m, nil
}

// check refuses what no folder can be: anybody who can write to the handoff may have made it.
func (m manifest) check(a machine.Artifact) error {
	last := ""
	for _, e := range m.Entries {
		if !filepath.IsLocal(e.Path) || strings.ContainsRune(e.Path, 0) || e.Path <= last || e.Size < 0 {
			return fmt.Errorf("the path %q cannot stand there", e.Path)
		}
		last = e.Path
	}
	if m.size() != a.Size {
		return fmt.Errorf("its files have %d bytes together, and %d were put there", m.size(), a.Size)
	}
	return nil
}
