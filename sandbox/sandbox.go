// Package sandbox is AWS inside the program: an S3 endpoint on loopback for those who try weft
// without an account. It keeps objects in memory or below a folder, and serves only whoever has
// the key of this very start.
//
// It is our own because the known in-process doubles check no signatures and no checksums. It has
// no versions, tags, ACLs, policies, encryption or storage classes: an operation on them is refused
// with NotImplemented, and a header that sets them along with an object changes nothing.
package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const region = "us-east-1"

// Options say where a Sandbox keeps its objects and which buckets it has.
type Options struct {
	// Dir keeps the objects, so that the next start finds them; it is made if it is absent, and
	// belongs to one Sandbox at a time. "" = in memory: nothing outlasts Close.
	Dir     string
	Buckets []string
	// CreateBuckets makes a bucket when it is first named.
	CreateBuckets bool
	CreateTables  bool // likewise
	// Functions are Lambda's, by name; of any other name is the program of that name in one of
	// FunctionsDirs, if there is one.
	Functions     map[string]Function
	FunctionsDirs func() []string
	Faults        []Fault // what goes wrong by order
	// Access and Secret are the key, where it is known to others; "" = a new one that nobody can guess.
	Access, Secret string
}

// A Sandbox is an S3 endpoint that runs.
type Sandbox struct {
	url    string
	key    key
	web    *http.Server
	served []served // as in services
	faults faults
	env    []string
	once   sync.Once

	serving sync.WaitGroup // the accepting loop

	mu     sync.RWMutex // held for reading by each request, so that Close waits for them
	closed bool
	stop   func() bool // forgets about ctx
}

// Start starts a sandbox, which ends by Close or with ctx.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("cannot start the sandbox: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (*Sandbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Sandbox{url: "http://" + ln.Addr().String(), key: o.key(), faults: faults{left: slices.Clone(o.Faults)}}
	if err := s.openServices(o); err != nil {
		_ = ln.Close() // nobody has come yet
		return nil, err
	}
	s.web = &http.Server{
		Handler: s.guard(http.HandlerFunc(s.dispatch)), ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(quiet{}, "", 0), // standard error belongs to the live tree
	}
	s.serving.Go(func() {
		if err := s.web.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			_ = s.web.Close() // nobody can be told here; the callers find it refusing connections
		}
	})
	s.mu.Lock() // ctx may end just now
	defer s.mu.Unlock()
	s.stop = context.AfterFunc(ctx, s.Close)
	return s, nil
}

// openServices opens all services, or none.
func (s *Sandbox) openServices(o Options) error {
	s.env = s.environment()
	for _, service := range services {
		one, err := service.open(s, o)
		if err != nil {
			s.closeServices()
			return err
		}
		s.served = append(s.served, one)
	}
	return nil
}

// closeServices closes what is open, the first last: it holds the lock of the folder.
func (s *Sandbox) closeServices() {
	for _, one := range slices.Backward(s.served) {
		one.close()
	}
}

type quiet struct{}

func (quiet) Write(p []byte) (int, error) { return len(p), nil }

// guard refuses what comes after Close, and makes Close wait for what came before.
func (s *Sandbox) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		if s.closed {
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Env is the environment of a process or a plugin that works with the sandbox and nothing else:
// settings that would lead past it, to the real AWS, are overruled. Variables that are empty should not
// be there at all: some programs take an empty AWS_PROFILE for the name of one.
func (s *Sandbox) Env() []string { return slices.Clone(s.env) }

func (s *Sandbox) environment() []string {
	var env []string
	for _, service := range services {
		env = append(env, "AWS_ENDPOINT_URL_"+service.variable+"="+s.url)
	}
	return append(env,
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false",
		"AWS_ACCESS_KEY_ID="+s.key.access,
		"AWS_SECRET_ACCESS_KEY="+s.key.secret,
		"AWS_SESSION_TOKEN=", // one that is inherited belongs to another key
		"AWS_PROFILE=", "AWS_DEFAULT_PROFILE=", "WEFT_AWS_ROLE_ARN=",
		"AWS_REGION="+region,
		"AWS_DEFAULT_REGION="+region, // all that boto3 reads
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_USE_FIPS_ENDPOINT=false", // SDKs refuse it, and the next, with an endpoint of one's own
		"AWS_USE_DUALSTACK_ENDPOINT=false",
	)
}

// Close breaks the connections, waits for the requests in work and removes what was in memory or
// unfinished. A second call does nothing.
func (s *Sandbox) Close() {
	s.once.Do(func() {
		for _, one := range s.served {
			if f, ok := one.(*functions); ok {
				f.settle() // they may need the others
			}
		}
		_ = s.web.Close() // of a listener that nobody needs any more
		s.serving.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = true
		s.stop()
		s.closeServices()
	})
}

// A key is what requests must be signed with.
type key struct{ access, secret string }

func newKey() key { return key{"WEFT" + random(8), random(20)} }

func (o Options) key() key {
	if o.Access != "" {
		return key{o.Access, o.Secret}
	}
	return newKey()
}

// random is n bytes in hex that nobody can guess.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
