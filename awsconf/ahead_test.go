package awsconf

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestManyConnections: a large object comes by parts, in order and proven, whatever breaks; one that
// changes meanwhile is an error; and the room that was taken is given back.
func TestManyConnections(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	whole := make([]byte, 13*readSize+12345)
	for i := 0; i+8 <= len(whole); i += 8 {
		binary.LittleEndian.PutUint64(whole[i:], r.Uint64())
	}
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(whole)))
	for name, c := range map[string]struct {
		broken int    // each so manieth answer breaks in its middle
		tag    string // of later parts
		sum    string
		says   string
	}{
		"all is well":              {0, "tag", sum, ""},
		"each third breaks":        {3, "tag", sum, ""},
		"another version is there": {0, "other", sum, "it changed while it was read"},
		"other bytes come":         {0, "tag", "AAAAAA==", "the bytes that came do not fit their checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			var n, at atomic.Int64
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				first, last := int64(0), int64(len(whole)-1)
				status := http.StatusOK
				w.Header().Set("ETag", `"tag"`)
				w.Header().Set("X-Amz-Checksum-Crc32", c.sum)
				if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); err == nil {
					status = http.StatusPartialContent
					w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(whole)))
					w.Header().Del("X-Amz-Checksum-Crc32")
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
			for _, by := range []string{"Read", "WriteTo"} {
				d, err := s.Open(t.Context(), Object{"acme", "k"})
				if err != nil {
					t.Fatal(err)
				}
				var got bytes.Buffer
				if by == "Read" {
					_, err = io.Copy(&got, readerOnly{d})
				} else {
					_, err = d.WriteTo(&got)
				}
				if err == nil && !bytes.Equal(got.Bytes(), whole) {
					t.Errorf("%s: other bytes came", by)
				}
				if said := fmt.Sprint(err); c.says != "" && !strings.Contains(said, c.says) || c.says == "" && err != nil {
					t.Errorf("%s: %v, want %s", by, err, c.says)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
			if at.Load() < 10 && c.tag == "tag" {
				t.Errorf("only %d parts were asked for", at.Load())
			}
			if left := spare.Load(); left != roomInAll {
				t.Errorf("%d bytes of room are lost", roomInAll-left)
			}
		})
	}
}
