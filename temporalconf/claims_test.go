package temporalconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"weft/handoff"
	"weft/machine"
)

// passing is a failure that goes away.
type passing struct{ error }

func (passing) Temporary() bool { return true }

// counted is a handoff that counts, and fails when it is told to.
type counted struct {
	handoff.Backend
	mu         sync.Mutex
	puts, gets int
	fail       []error // of the next calls
}

func (c *counted) next(n *int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
	if len(c.fail) == 0 {
		return nil
	}
	err := c.fail[0]
	c.fail = c.fail[1:]
	return err
}

func (c *counted) Put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	if err := c.next(&c.puts); err != nil {
		return machine.Ref{}, err
	}
	return c.Backend.Put(ctx, key, r, size)
}

func (c *counted) Fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	if err := c.next(&c.gets); err != nil {
		return nil, err
	}
	return c.Backend.Fetch(ctx, uri)
}

func folder(t *testing.T, dir string) *counted {
	t.Helper()
	b, err := handoff.Known().At((&url.URL{Scheme: "file", Path: dir}).String())
	if err != nil {
		t.Fatal(err)
	}
	return &counted{Backend: b}
}

func impatient(values handoff.Backend) *Claims {
	c := NewClaims(values)
	c.pause = func(context.Context, int) error { return nil }
	return c
}

func payload(body string) *commonpb.Payload {
	return &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain"), "b": []byte("x"), "a": nil}, Data: []byte(body)}
}

func store(t *testing.T, c *Claims, p ...*commonpb.Payload) []converter.StorageDriverClaim {
	t.Helper()
	claims, err := c.Store(converter.StorageDriverStoreContext{Context: t.Context()}, p)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func retrieve(t *testing.T, c *Claims, claims []converter.StorageDriverClaim) ([]*commonpb.Payload, error) {
	t.Helper()
	return c.Retrieve(converter.StorageDriverRetrieveContext{Context: t.Context()}, claims)
}

// TestClaims: what is stored comes back, in another process too, and the same bytes lie there once.
func TestClaims(t *testing.T) {
	dir := t.TempDir()
	values := folder(t, dir)
	c := impatient(values)
	one, two := payload(strings.Repeat("1", 5000)), payload(strings.Repeat("2", 1<<20))
	claims := store(t, c, one, two, one)
	claims = append(claims, store(t, c, one)...)
	if values.puts != 2 {
		t.Errorf("%d puts of two payloads", values.puts)
	}
	for _, reader := range []*Claims{c, impatient(folder(t, dir))} {
		got, err := retrieve(t, reader, claims)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []*commonpb.Payload{one, two, one, one} {
			if !proto.Equal(got[i], want) {
				t.Errorf("payload %d differs", i)
			}
		}
	}
	if values.gets != 1 {
		t.Errorf("%d were fetched by the one that put them; the large one alone is not kept", values.gets)
	}
	uri := claims[0].ClaimData["uri"]
	if parts := strings.Split(uri, "/"); parts[len(parts)-3] != "temporal" || parts[len(parts)-2] != parts[len(parts)-1][:2] {
		t.Errorf("it lies at %s", uri)
	}
}

// TestClaimsOfMany: the same bytes that many put at one time are put once.
func TestClaimsOfMany(t *testing.T) {
	values := folder(t, t.TempDir())
	c := impatient(values)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { store(t, c, payload(strings.Repeat("x", 4096))) })
	}
	all.Wait()
	if values.puts != 1 {
		t.Errorf("%d puts", values.puts)
	}
}

// TestClaimsThatFail: what passes is tried again; what does not is said at once, with what failed; and what came back
// wrong is never taken for the payload.
func TestClaimsThatFail(t *testing.T) {
	down, denied := passing{errors.New("cannot reach the bucket")}, errors.New("access denied")
	for _, c := range []struct {
		what string
		fail []error
		says string
	}{
		{"one failure that passes", []error{down}, ""},
		{"one that lasts", []error{down, down, down, down}, "cannot reach the bucket"},
		{"one that will not pass", []error{denied}, "access denied"},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := t.TempDir()
			values := folder(t, dir)
			values.fail = c.fail
			p := payload(strings.Repeat("x", 4096))
			claims, err := impatient(values).Store(converter.StorageDriverStoreContext{Context: t.Context()}, []*commonpb.Payload{p})
			expect(t, "put", err, c.says)
			if err != nil {
				values.fail = nil
				claims = store(t, impatient(values), p)
			}
			values.fail = c.fail
			_, err = retrieve(t, impatient(values), claims)
			expect(t, "get", err, c.says)
		})
	}
	dir := t.TempDir()
	claims := store(t, impatient(folder(t, dir)), payload(strings.Repeat("x", 4096)))
	_, err := retrieve(t, impatient(folder(t, t.TempDir())), claims)
	expect(t, "from another handoff", err, "all wefts of a namespace need the same `handoff`")
	u, _ := url.Parse(claims[0].ClaimData["uri"])
	body, err := os.ReadFile(u.Path)
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)-1] ^= 1
	if err := os.WriteFile(u.Path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = retrieve(t, impatient(folder(t, dir)), claims)
	expect(t, "other bytes", err, "SHA-256 differs")
	if err := os.Remove(filepath.FromSlash(u.Path)); err != nil {
		t.Fatal(err)
	}
	_, err = retrieve(t, impatient(folder(t, dir)), claims)
	expect(t, "nothing", err, "no such file")
}

func expect(t *testing.T, what string, err error, says string) {
	t.Helper()
	if said := fmt.Sprint(err); says == "" && err != nil || says != "" && !strings.Contains(said, says) {
		t.Errorf("%s: %v, want %q", what, err, says)
	}
}

// TestClaimsKeepLittle: what is remembered is bounded, by number and by bytes.
func TestClaimsKeepLittle(t *testing.T) {
	c := impatient(nil)
	for i := range 3 * mostKnown {
		c.learn(fmt.Sprint(i), machine.Ref{}, make([]byte, mostBody/64))
	}
	if len(c.known) > mostKnown || c.held > mostHeld || len(c.known) != c.recent.Len() {
		t.Errorf("%d known, %d bytes held", len(c.known), c.held)
	}
	if c.look(fmt.Sprint(3*mostKnown-1)) == nil || c.look("0") != nil {
		t.Error("the newest are not those that are kept")
	}
}
