package s3sync

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"

	"weft/awsconf"
)

const (
	// large files have a pack each: they are copied to the mirror by S3, not sent twice.
	large = awsconf.PartSize
	// mostPacks is how many packs of small files a manifest names. When there are more, the emptiest are
	// packed anew: whoever reads all files has a request for each.
	mostPacks = 8
	// mostRepacked bounds what is sent again for that, in bytes.
	mostRepacked = 64 << 20
)

// A packed pack is one to be written, with the files whose bytes it takes.
type packed struct {
	Pack
	files []int // of the manifest
}

// arrange says of each file of a manifest to be where its bytes lie: in a pack of the base, or in one
// to be written. It fills in m.Packs and m.Files.
func arrange(m *Manifest, base *Manifest, name func(n int) string) (fresh []packed) {
	known := map[string]File{} // where a content lies
	for _, f := range base.Files {
		known[f.SHA256] = f
	}
	keep := keptPacks(m.Files, base, known)
	place := map[string]int{} // pack → its index in m
	use := func(p Pack) int {
		at, ok := place[p.Name]
		if !ok {
			at = len(m.Packs)
			place[p.Name] = at
			m.Packs = append(m.Packs, p)
		}
		return at
	}
	small, placed := packed{Pack: Pack{Name: name(0)}}, map[string]int{}
	for i := range m.Files {
		f := &m.Files[i]
		was, have := known[f.SHA256]
		first, twice := placed[f.SHA256]
		switch {
		case f.Size == 0:
			f.Pack, f.At = 0, 0
			continue
		case twice:
			f.Pack, f.At = m.Files[first].Pack, m.Files[first].At
			continue
		case have && keep[was.Pack]:
			f.Pack, f.At = use(base.Packs[was.Pack]), was.At
		case f.Size >= large:
			p := packed{Pack: Pack{name(len(fresh) + 1), f.Size}, files: []int{i}}
			fresh = append(fresh, p)
			f.Pack, f.At = use(p.Pack), 0
		default:
			f.Pack, f.At = use(small.Pack), small.Size
			small.Size += f.Size
			small.files = append(small.files, i)
		}
		placed[f.SHA256] = i
	}
	if len(small.files) > 0 {
		m.Packs[place[small.Name]].Size = small.Size
		fresh = append(fresh, small)
	}
	return fresh
}

// keptPacks chooses the packs of the base that stay in use.
func keptPacks(files []File, base *Manifest, known map[string]File) []bool {
	keep, live, few := make([]bool, len(base.Packs)), make([]int64, len(base.Packs)), []int{}
	counted := map[string]bool{}
	for _, f := range files {
		if was, have := known[f.SHA256]; have && f.Size > 0 && !counted[f.SHA256] {
			counted[f.SHA256] = true
			keep[was.Pack] = true
			live[was.Pack] += f.Size
		}
	}
	var again int64
	for i, used := range keep {
		switch {
		case !used:
		case 2*live[i] < base.Packs[i].Size && again+live[i] <= mostRepacked: // mostly garbage
			again += live[i]
			keep[i] = false
		case live[i] < large:
			few = append(few, i)
		}
	}
	if len(few) < mostPacks {
		return keep
	}
	slices.SortFunc(few, func(a, b int) int { return cmp.Compare(live[a], live[b]) })
	for _, i := range few[:len(few)-1] { // the fullest is the bulk, as a rule
		if again += live[i]; again > mostRepacked {
			break
		}
		keep[i] = false
	}
	return keep
}

// A changedError tells of a file that is not what it was when the folder was read.
type changedError struct{ path string }

func (e changedError) Error() string { return shownPath(e.path) + " changed while it was published" }

// concat reads files of a folder one after another, each of which must still be what its hash says.
type concat struct {
	ctx  context.Context
	root *os.Root
	left []File
	in   *os.File
	sum  hash.Hash
	at   int64 // bytes of the first of left
}

// Read implements io.Reader.
func (c *concat) Read(p []byte) (int, error) {
	for len(c.left) > 0 {
		if err := c.ctx.Err(); err != nil {
			return 0, err
		}
		f := c.left[0]
		if c.in == nil {
			in, err := c.root.Open(f.Path)
			if err != nil {
				return 0, changedError{f.Path}
			}
			c.in, c.sum, c.at = in, sha256.New(), 0
		}
		n, err := c.in.Read(p[:min(int64(len(p)), f.Size-c.at+1)]) // a byte more shows that it has grown
		c.sum.Write(p[:n])
		if c.at += int64(n); c.at > f.Size {
			return 0, changedError{f.Path}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return n, cannotRead(f.Path, err)
		}
		if err != nil {
			fits := c.at == f.Size && hex.EncodeToString(c.sum.Sum(nil)) == f.SHA256
			c.Close()
			if !fits {
				return n, changedError{f.Path}
			}
			c.left = c.left[1:]
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// Close gives up the file that is open.
func (c *concat) Close() {
	if c.in != nil {
		_ = c.in.Close()
		c.in = nil
	}
}

// sendPack writes a pack.
func (p Place) sendPack(ctx context.Context, root *os.Root, k packed, all []File) error {
	files := make([]File, len(k.files))
	for i, at := range k.files {
		files[i] = all[at]
	}
	u := awsconf.Upload{To: p.object(packsPath + k.Name), Size: k.Size, OnlyNew: true}
	in := &concat{ctx: ctx, root: root, left: files}
	defer in.Close()
	u.Body = in
	_, err := p.session.Upload(ctx, u)
	var changed changedError
	switch {
	case errors.As(err, &changed):
		return changed
	case awsconf.FaultOf(err) == awsconf.Exists: // an answer was lost, and the call made again: names are random
		return nil
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", u.To, err)
	}
	return nil
}

// whole reads a file of the folder that is small, and is an error if it has changed.
func whole(root *os.Root, f File) ([]byte, error) {
	in, err := root.Open(f.Path)
	if err != nil {
		return nil, changedError{f.Path}
	}
	defer in.Close()
	body := make([]byte, f.Size+1)
	n, err := io.ReadFull(in, body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, cannotRead(f.Path, err)
	}
	if sum := sha256.Sum256(body[:n]); int64(n) != f.Size || !strings.EqualFold(hex.EncodeToString(sum[:]), f.SHA256) {
		return nil, changedError{f.Path}
	}
	return body[:n], nil
}
