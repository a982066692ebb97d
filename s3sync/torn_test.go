package s3sync

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weft/tests/s3server"
)

// spoiler is a network and a service on a bad day: of all answers 10 % are errors, broken connections or
// cut bodies; listings, and now and then manifests, are those of some time ago.
type spoiler struct {
	mu  sync.Mutex
	r   *rand.Rand
	old map[string]*httptest.ResponseRecorder // answers that were given once
	n   atomic.Int64                          // spoiled
}

func (s *spoiler) roll() (float64, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Float64(), s.r.IntN(400)
}

func (s *spoiler) spoil(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	dice, n := s.roll()
	manifest := r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, manifestPath)
	if dice < 0.1 {
		s.n.Add(1)
	}
	switch {
	case dice < 0.025:
		http.Error(w, "<Error><Code>InternalError</Code><Message>So it is.</Message></Error>", http.StatusInternalServerError)
	case dice < 0.05:
		http.Error(w, "<Error><Code>SlowDown</Code><Message>Slow down.</Message></Error>", http.StatusServiceUnavailable)
	case dice < 0.065: // it was never heard
		panic(http.ErrAbortHandler)
	case dice < 0.08: // it was done, and nobody is told
		forward.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case dice < 0.1:
		s3server.CutOff(w, r, forward, n)
	case dice < 0.4 && s3server.Lists(r), dice < 0.15 && manifest:
		s.stale(w, r, forward)
	default:
		forward.ServeHTTP(w, r)
	}
}

// stale answers what was answered some time ago, and keeps today's answer for another day.
func (s *spoiler) stale(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	r.Header.Del("If-None-Match") // it is signed in no request of weft's
	fresh := httptest.NewRecorder()
	forward.ServeHTTP(fresh, r)
	s.mu.Lock()
	was := s.old[r.URL.Path+r.URL.RawQuery]
	if fresh.Code == http.StatusOK {
		s.old[r.URL.Path+r.URL.RawQuery] = fresh
	}
	s.mu.Unlock()
	if was == nil {
		was = fresh
	}
	for name, v := range was.Header() {
		w.Header()[name] = v
	}
	w.WriteHeader(was.Code)
	_, _ = io.WriteString(w, was.Body.String())
}

// TestNoTornSets is promise R17: a folder is published again and again while readers follow it through
// faults. Whatever a reader has in force is a set that was published, whole, at each moment.
func TestNoTornSets(t *testing.T) {
	publishes, readers := 60, 2
	if os.Getenv("WEFT_SOAK") != "" {
		publishes, readers = 1000, 3
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	server := s3server.Start(t, "acme")
	bad := &spoiler{r: rand.New(rand.NewPCG(seed, 1)), old: map[string]*httptest.ResponseRecorder{}}
	proxy := server.Proxy(t, bad.spoil)
	once := "AWS_MAX_ATTEMPTS=1" // the loops here try again
	pub := &publications{t: t, dir: t.TempDir(), place: at(t, proxy.Server, "dags", once), r: rand.New(rand.NewPCG(seed, 2))}
	pub.publish()
	var reading sync.WaitGroup
	over := make(chan struct{})
	for i := range readers {
		reading.Go(func() { pub.follow(follower(t, at(t, proxy.Server, "dags", once)), i, over) })
	}
	for range publishes - 1 {
		pub.publish()
	}
	close(over)
	reading.Wait()
	f := follower(t, at(t, server, "dags"))
	if _, err := f.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := contentOf(t, f.Dir()), contentOf(t, pub.dir); got != want {
		t.Errorf("in the end readers see\n%s\nnot\n%s", got, want)
	}
	if got, want := mirrorOf(t, server, "dags"), contentOf(t, pub.dir); got != want {
		t.Errorf("in the end the mirror shows\n%s\nnot\n%s", got, want)
	}
	packs, err := os.ReadDir(filepath.Join(server.Dir, "acme", "dags", ".weft", "packs"))
	if err != nil || len(packs) > 60 {
		t.Errorf("%d packs are left, %v", len(packs), err)
	}
	t.Logf("%d publishes, %d tries; %d sets loaded by %d readers, %d reads failed, %d answers spoiled; %d packs are left; 0 torn is asked, %d were",
		publishes, pub.tries, pub.loaded.Load(), readers, pub.failed.Load(), bad.n.Load(), len(packs), pub.torn.Load())
	if pub.loaded.Load() < int64(publishes/10) || bad.n.Load() < int64(publishes/2) {
		t.Error("too little happened for this to say anything")
	}
}

// publications are what one publisher makes of its folder.
type publications struct {
	t     *testing.T
	dir   string
	place Place
	r     *rand.Rand
	gen   int
	tries int
	sets  sync.Map // set → true: those that may be in force

	loaded, failed, torn atomic.Int64
}

// publish makes the next state of the folder and publishes it, through all faults. Each file of a state
// says which it is of. The publisher's clock runs three hours a publication, so that packs go.
func (p *publications) publish() {
	p.gen++
	for i := range 8 {
		name := fmt.Sprintf("team%d/%d.yaml", i%3, i)
		if p.r.IntN(4) == 0 {
			_ = os.Remove(filepath.Join(p.dir, name)) // it may be gone already
			continue
		}
		write(p.t, p.dir, name, fmt.Sprintf("generation %d\n%s", p.gen, strings.Repeat("x", p.r.IntN(300))))
	}
	write(p.t, p.dir, "always.yaml", fmt.Sprintf("generation %d\n", p.gen))
	tree, err := Scan(p.t.Context(), p.dir, "", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.sets.Store(SetOf(tree.Files), true)
	clock := func() time.Time { return time.Now().Add(time.Duration(p.gen) * 3 * time.Hour) }
	for try := 0; ; try++ {
		p.tries++
		plan, err := p.place.Plan(p.t.Context(), tree, Options{By: "ada", Now: clock})
		if err == nil {
			_, err = plan.Carry(p.t.Context())
		}
		if err == nil {
			return
		}
		if try > 100 {
			p.t.Fatal(err)
		}
	}
}

// follow reads until it is over, and looks at what is in force after each try.
func (p *publications) follow(f *Follower, reader int, over <-chan struct{}) {
	last := ""
	for {
		select {
		case <-over:
			return
		default:
		}
		if _, err := f.Next(p.t.Context()); err != nil {
			p.failed.Add(1)
			if errors.Is(err, ErrNothing) {
				p.t.Errorf("reader %d: %v", reader, err)
			}
		}
		now := f.Last()
		if now == nil {
			continue
		}
		if last != "" && now.Set != last || last == "" {
			p.loaded.Add(1)
		}
		last = now.Set
		if _, published := p.sets.Load(now.Set); !published || !f.Bundles.Intact(now.Files) {
			p.torn.Add(1)
			p.t.Errorf("reader %d has a set in force that nobody published: %s", reader, now.Set)
		}
	}
}
