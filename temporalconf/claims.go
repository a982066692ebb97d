package temporalconf

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strconv"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"weft/handoff"
	"weft/machine"
)

// Threshold is the size in bytes from which on a payload does not go to the server: half a page. A history of 10,000
// tasks then stays far below its 50 MiB.
const Threshold = 2048

// Claims is a claim check for payloads (Hohpe and Woolf, Enterprise Integration Patterns: "Claim Check"): what is
// large lies in the handoff under its own SHA-256, temporal/ab/abcd…, and the server gets its URI. The same bytes have
// the same name, so putting them twice does no harm, and what comes back is proven. It is a driver for the SDK's
// external storage.
type Claims struct {
	values handoff.Backend
	pause  func(ctx context.Context, n int) error // before the nth try; tests do not wait

	mu      sync.Mutex
	known   map[string]*list.Element // by SHA-256 in hex
	recent  list.List                // of *claimed, the most recently used first
	held    int                      // bytes of bodies
	flights map[string]*flight
}

// A claimed is what is known to be in the handoff.
type claimed struct {
	sum  string
	ref  machine.Ref
	body []byte // nil: too large to be kept
	at   time.Time
}

// A flight is a put that goes on: who has the same bytes waits for it.
type flight struct {
	done chan struct{}
	ref  machine.Ref
	err  error
}

// What is remembered, and how long: a lifecycle rule of a bucket may remove what is older than a day.
const (
	mostKnown  = 20_000
	mostHeld   = 32 << 20
	mostBody   = 256 << 10
	knownFor   = 12 * time.Hour
	mostClaim  = 256 << 20 // bytes of one payload
	claimTries = 4
	claimTime  = time.Minute // of one try
)

// The members of a claim.
const (
	claimURI  = "uri"
	claimSize = "size"
)

var _ converter.StorageDriver = (*Claims)(nil)

// NewClaims keeps payloads in a handoff.
func NewClaims(values handoff.Backend) *Claims {
	return &Claims{values: values, pause: claimPause, known: map[string]*list.Element{}, flights: map[string]*flight{}}
}

// Storage is what a client, or a replayer, takes.
func (c *Claims) Storage() converter.ExternalStorage {
	return converter.ExternalStorage{Drivers: []converter.StorageDriver{c}, PayloadSizeThreshold: Threshold}
}

// Name implements converter.StorageDriver. It stands in histories.
func (c *Claims) Name() string { return "weft" }

// Type implements converter.StorageDriver.
func (c *Claims) Type() string { return "weft.handoff" }

// A claimError says what failed with the handoff.
type claimError struct {
	text string
	err  error
}

func (e *claimError) Error() string { return e.text }
func (e *claimError) Unwrap() error { return e.err }

// Store implements converter.StorageDriver.
func (c *Claims) Store(ctx converter.StorageDriverStoreContext, payloads []*commonpb.Payload) ([]converter.StorageDriverClaim, error) {
	claims := make([]converter.StorageDriverClaim, len(payloads))
	group, at := errgroup.WithContext(ctx.Context)
	for i, p := range payloads {
		group.Go(func() error {
			return ctx.GetLimiter().Permit(at, p, func() error {
				ref, err := c.put(at, p)
				claims[i].ClaimData = map[string]string{claimURI: ref.URI, claimSize: strconv.FormatInt(ref.Size, 10)}
				return err
			})
		})
	}
	return claims, group.Wait()
}

// Stow has a value be in the handoff if it is to go there, as whoever sends it next will send it. What cannot be stowed cannot
// be sent.
func (c *Claims) Stow(ctx context.Context, value any) error {
	p, err := converter.GetDefaultDataConverter().ToPayload(value)
	if err != nil || proto.Size(p) < Threshold {
		return err
	}
	_, err = c.put(ctx, p)
	return err
}

// put has a payload be in the handoff.
func (c *Claims) put(ctx context.Context, p *commonpb.Payload) (machine.Ref, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
	if err != nil {
		return machine.Ref{}, err
	}
	sha := sha256.Sum256(body)
	sum := hex.EncodeToString(sha[:])
	c.mu.Lock()
	for c.flights[sum] != nil {
		f := c.flights[sum]
		c.mu.Unlock()
		if ref, err := f.wait(ctx); err == nil || ctx.Err() != nil || !errors.Is(err, context.Canceled) {
			return ref, err
		}
		c.mu.Lock() // it was given up, by whoever began it
	}
	if k := c.look(sum); k != nil {
		c.mu.Unlock()
		return k.ref, nil
	}
	f := &flight{done: make(chan struct{})}
	c.flights[sum] = f
	c.mu.Unlock()

	f.err = c.persist(ctx, func(ctx context.Context) (err error) {
		f.ref, err = c.values.Put(ctx, "temporal/"+sum[:2]+"/"+sum, bytes.NewReader(body), int64(len(body)))
		return err
	})
	if f.err != nil {
		f.err = &claimError{fmt.Sprintf("cannot hand %d bytes to Temporal by the handoff: %v", len(body), f.err), f.err}
	}
	c.mu.Lock()
	delete(c.flights, sum)
	if f.err == nil {
		c.learn(sum, f.ref, body)
	}
	c.mu.Unlock()
	close(f.done)
	return f.ref, f.err
}

// wait gives what another's put of the same bytes comes to.
func (f *flight) wait(ctx context.Context) (machine.Ref, error) {
	select {
	case <-f.done:
		return f.ref, f.err
	case <-ctx.Done():
		return machine.Ref{}, ctx.Err()
	}
}

// Retrieve implements converter.StorageDriver.
func (c *Claims) Retrieve(ctx converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*commonpb.Payload, error) {
	payloads := make([]*commonpb.Payload, len(claims))
	group, at := errgroup.WithContext(ctx.Context)
	for i, claim := range claims {
		group.Go(func() error {
			return ctx.GetLimiter().Permit(at, claim, func() (err error) {
				payloads[i], err = c.get(at, claim.ClaimData)
				return err
			})
		})
	}
	return payloads, group.Wait()
}

// get brings a payload back. Its name is its SHA-256.
func (c *Claims) get(ctx context.Context, claim map[string]string) (*commonpb.Payload, error) {
	size, err := strconv.ParseInt(claim[claimSize], 10, 64)
	sum := path.Base(claim[claimURI])
	if err != nil || len(sum) != 2*sha256.Size {
		return nil, &claimError{text: "cannot read a payload: another program than weft put it away"}
	}
	ref := machine.Ref{URI: claim[claimURI], Size: size, SHA256: sum}
	c.mu.Lock()
	k := c.look(sum)
	c.mu.Unlock()
	var body []byte
	if k != nil {
		body = k.body
	}
	if body == nil {
		err = c.persist(ctx, func(ctx context.Context) (err error) {
			body, err = handoff.Get(ctx, c.values, ref, mostClaim)
			return err
		})
		if err != nil {
			return nil, &claimError{fmt.Sprintf("cannot get what Temporal has in the handoff: %v (all wefts of a namespace need the same `handoff`, and what they put there)", err), err}
		}
		c.mu.Lock()
		c.learn(sum, ref, body)
		c.mu.Unlock()
	}
	p := &commonpb.Payload{}
	if err := proto.Unmarshal(body, p); err != nil {
		return nil, &claimError{fmt.Sprintf("cannot read %s: it is no payload", ref.URI), err}
	}
	return p, nil
}

// persist tries until it goes well, or it will not by itself.
func (c *Claims) persist(ctx context.Context, do func(context.Context) error) error {
	for n := 1; ; n++ {
		at, cancel := context.WithTimeout(ctx, claimTime)
		err := do(at)
		late := at.Err() != nil && ctx.Err() == nil
		cancel()
		var passing interface{ Temporary() bool }
		if err == nil || n == claimTries || !late && !(errors.As(err, &passing) && passing.Temporary()) {
			return err
		}
		if c.pause(ctx, n) != nil {
			return err
		}
	}
}

// claimPause waits 100 ms, then longer.
func claimPause(ctx context.Context, n int) error {
	select {
	case <-time.After(100 * time.Millisecond << (2 * (n - 1))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look returns what is known of a sum, nil if nothing is; the caller holds mu.
func (c *Claims) look(sum string) *claimed {
	e := c.known[sum]
	if e == nil {
		return nil
	}
	k := e.Value.(*claimed)
	if time.Since(k.at) > knownFor {
		c.forget(e)
		return nil
	}
	c.recent.MoveToFront(e)
	return k
}

// learn remembers what is in the handoff; the caller holds mu.
func (c *Claims) learn(sum string, ref machine.Ref, body []byte) {
	if e := c.known[sum]; e != nil {
		c.forget(e)
	}
	if len(body) > mostBody {
		body = nil
	}
	c.known[sum] = c.recent.PushFront(&claimed{sum, ref, body, time.Now()})
	c.held += len(body)
	for c.held > mostHeld || len(c.known) > mostKnown {
		c.forget(c.recent.Back())
	}
}

func (c *Claims) forget(e *list.Element) {
	k := e.Value.(*claimed)
	c.recent.Remove(e)
	delete(c.known, k.sum)
	c.held -= len(k.body)
}
