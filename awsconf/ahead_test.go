package awsconf

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// ways are how an object can be read whole.
var ways = map[string]func(t *testing.T, d *Download) ([]byte, error){
	"Read": func(_ *testing.T, d *Download) ([]byte, error) { return io.ReadAll(readerOnly{d}) },
	"WriteTo": func(_ *testing.T, d *Download) ([]byte, error) {
		var got bytes.Buffer
		_, err := d.WriteTo(&got)
		return got.Bytes(), err
	},
	"WriteFile": func(t *testing.T, d *Download) ([]byte, error) {
		return intoFile(t, d, nil)
	},
	"WriteFile, followed": func(t *testing.T, d *Download) ([]byte, error) {
		var also bytes.Buffer
		got, err := intoFile(t, d, &also)
		if err == nil && !bytes.Equal(also.Bytes(), got) {
			t.Error("the follower was given other bytes than the file")
		}
		return got, err
	},
}

func intoFile(t *testing.T, d *Download, also io.Writer) ([]byte, error) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := d.WriteFile(f, also)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(f) // from its beginning: it was written at places
	if err == nil && int64(len(got)) != n {
		t.Errorf("WriteFile tells of %d bytes, the file has %d", n, len(got))
	}
	return got, err
}

// TestManyConnections: a large object comes by parts, in order and proven, whatever breaks; one that
// changes meanwhile is an error; and the room that was taken is given back.
func TestManyConnections(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	whole := make([]byte, 13*readSize+12345) // also more than three parts of a file
	for i := 0; i+8 <= len(whole); i += 8 {
		binary.LittleEndian.PutUint64(whole[i:], r.Uint64())
	}
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(whole)))
	sha := sha256.Sum256(whole)
	const crc32Header, shaHeader = "X-Amz-Checksum-Crc32", "X-Amz-Checksum-Sha256"
	for name, c := range map[string]struct {
		broken int    // each so manieth answer breaks in its middle
		tag    string // of later parts
		header string // that tells the sum of the whole
		sum    string
		says   string
	}{
		"all is well":              {0, "tag", crc32Header, sum, ""},
		"each third breaks":        {3, "tag", crc32Header, sum, ""},
		"another version is there": {0, "other", crc32Header, sum, "it changed while it was read"},
		"other bytes come":         {0, "tag", crc32Header, "AAAAAA==", "the bytes that came do not fit their checksum"},
		"SHA-256 fits":             {0, "tag", shaHeader, base64.StdEncoding.EncodeToString(sha[:]), ""},
		"SHA-256 does not":         {0, "tag", shaHeader, base64.StdEncoding.EncodeToString(make([]byte, len(sha))), "the bytes that came do not fit their checksum"},
		"nobody knows a sum":       {0, "tag", "X-Nothing", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var n, at atomic.Int64
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				first, last := int64(0), int64(len(whole)-1)
				status := http.StatusOK
				w.Header().Set("ETag", `"tag"`)
				w.Header().Set(c.header, c.sum)
				if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); err == nil {
					status = http.StatusPartialContent
					w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(whole)))
					w.Header().Del(c.header)
					if first > 4*readSize {
						w.Header().Set("ETag", `"`+c.tag+`"`)
					}
					at.Add(1)
				}
				w.Header().Set("Content-Length", fmt.Sprint(last-first+1))
				w.WriteHeader(status)
				if c.broken > 0 && n.Add(1)%int64(c.broken) == 0 {
					_, _ = w.Write(whole[first : first+(last-first)/2])
					panic(http.ErrAbortHandler)
				}
				_, _ = w.Write(whole[first : last+1])
			}))
			defer web.Close()
			s, err := For(t.Context(), []string{"AWS_ENDPOINT_URL=" + web.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=us-east-1"})
			if err != nil {
				t.Fatal(err)
			}
			for by, read := range ways {
				d, err := s.Open(t.Context(), Object{"acme", "k"})
				if err != nil {
					t.Fatal(err)
				}
				got, err := read(t, d)
				if err == nil && !bytes.Equal(got, whole) {
					t.Errorf("%s: other bytes came", by)
				}
				if said := fmt.Sprint(err); c.says != "" && !strings.Contains(said, c.says) || c.says == "" && err != nil {
					t.Errorf("%s: %v, want %s", by, err, c.says)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
			if at.Load() < 20 && c.tag == "tag" {
				t.Errorf("only %d parts were asked for", at.Load())
			}
			if left := spare.Load(); left != roomInAll {
				t.Errorf("%d bytes of room are lost", roomInAll-left)
			}
		})
	}
}

// A file that takes nothing beyond a place, as on a full disk.
type shortFile struct {
	*os.File
	most int64
}

var errFull = errors.New("no space left on device")

func (f shortFile) WriteAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.most {
		return 0, errFull
	}
	return f.File.WriteAt(p, at)
}

// TestAFileThatIsFull: the file's own error comes back, soon, and nothing goes on behind it.
func TestAFileThatIsFull(t *testing.T) {
	const size = 5*PartSize + 1
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"tag"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(strings.Repeat("x", size)))
	}))
	defer web.Close()
	s, err := For(t.Context(), []string{"AWS_ENDPOINT_URL=" + web.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int64{0, block, PartSize + block, 4 * PartSize} {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		d, err := s.Open(t.Context(), Object{"acme", "k"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.WriteFile(shortFile{f, most}, io.Discard); !errors.Is(err, errFull) {
			t.Errorf("with room for %d bytes: %v", most, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if left := spare.Load(); left != roomInAll {
		t.Errorf("%d bytes of room are lost", roomInAll-left)
	}
}
