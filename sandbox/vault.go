package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// meta is what is known of an object beside its bytes.
type meta struct {
	Key      string
	Size     int64
	ETag     string // without quotes
	Modified time.Time
	Header   map[string]string // as it was sent with it: content-type, x-amz-meta-*, …
	Sum      sum
}

type object struct {
	meta
	blob blob
}

type upload struct {
	bucket, key string
	began       time.Time
	header      map[string]string
	sum         sum // its Value is the kind: FULL_OBJECT or COMPOSITE
	parts       map[int]*object
}

// A vault knows which buckets, objects and uploads there are.
type vault struct {
	shelf
	create bool

	mu      sync.Mutex
	buckets map[string]map[string]*object
	uploads map[string]*upload
}

func newVault(o Options) (*vault, error) {
	v := &vault{shelf: memory{}, create: o.CreateBuckets, buckets: map[string]map[string]*object{}, uploads: map[string]*upload{}}
	if o.Dir != "" {
		f, err := openFolder(o.Dir)
		if err != nil {
			return nil, err
		}
		v.shelf = f
		if err := f.load(func(name string) { v.buckets[name] = map[string]*object{} }, v.loaded); err != nil {
			f.close()
			return nil, err
		}
	}
	for _, name := range o.Buckets {
		if err := v.make(name); err != nil && err != errBucketThere {
			v.close()
			return nil, fmt.Errorf("cannot make the bucket %q: %w", name, err)
		}
	}
	return v, nil
}

// loaded takes in an object of an earlier start. Of two under one key a crash has left the older.
func (v *vault) loaded(bucket string, o *object) {
	old := v.buckets[bucket][o.Key]
	switch {
	case old == nil:
		v.buckets[bucket][o.Key] = o
	case old.Modified.After(o.Modified):
		o.blob.drop()
	default:
		old.blob.drop()
		v.buckets[bucket][o.Key] = o
	}
}

func (v *vault) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.buckets, v.uploads = nil, nil
	v.shelf.close()
}

var bucketName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`) })

func (v *vault) make(name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.makeLocked(name)
}

func (v *vault) makeLocked(name string) error {
	if !bucketName().MatchString(name) || strings.Contains(name, "..") {
		return errBucketName
	}
	if v.buckets[name] != nil {
		return errBucketThere
	}
	if err := v.makeBucket(name); err != nil {
		return err
	}
	v.buckets[name] = map[string]*object{}
	return nil
}

// bucket returns the objects of a bucket, and makes it if that is wanted. The caller holds mu.
func (v *vault) bucket(name string) (map[string]*object, error) {
	b := v.buckets[name]
	if b == nil && v.create {
		if err := v.makeLocked(name); err != nil {
			return nil, err
		}
		b = v.buckets[name]
	}
	if b == nil {
		return nil, errNoBucket
	}
	return b, nil
}

// remove removes a bucket that is empty.
func (v *vault) remove(name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := v.bucket(name)
	if err != nil {
		return err
	}
	if len(b) > 0 {
		return errBucketFull
	}
	if err := v.dropBucket(name); err != nil {
		return err
	}
	delete(v.buckets, name)
	for id, u := range v.uploads {
		if u.bucket == name {
			v.forget(id)
		}
	}
	return nil
}

func (v *vault) names() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(maps.Keys(v.buckets))
}

// exists tells whether there is a bucket, as an error if there is none.
func (v *vault) exists(bucket string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, err := v.bucket(bucket)
	return err
}

// find returns an object.
func (v *vault) find(bucket, key string) (*object, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := v.bucket(bucket)
	if err != nil {
		return nil, err
	}
	if b[key] == nil {
		return nil, errNoKey
	}
	return b[key], nil
}

// read returns an object and its bytes, opened before anyone can replace it.
func (v *vault) read(bucket, key string) (*object, content, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := v.bucket(bucket)
	if err != nil {
		return nil, nil, err
	}
	if b[key] == nil {
		return nil, nil, errNoKey
	}
	c, err := b[key].blob.open()
	return b[key], c, err
}

// A condition is what must hold for a write: of many at one time the first that comes wins.
type condition struct{ ifMatch, ifNoneMatch string }

func conditionOf(h http.Header) (condition, error) {
	c := condition{h.Get("If-Match"), h.Get("If-None-Match")}
	if c.ifNoneMatch != "" && c.ifNoneMatch != "*" {
		return c, errBadConditions
	}
	return c, nil
}

func (c condition) holds(old *object) error {
	switch {
	case c.ifNoneMatch != "" && old != nil:
		return errPrecondition
	case c.ifMatch != "" && old == nil:
		return errNoKey
	case c.ifMatch != "" && !matches(c.ifMatch, old.ETag):
		return errPrecondition
	}
	return nil
}

// put makes a new object seen if the condition holds. If it fails the blob is dropped.
func (v *vault) put(bucket string, o *object, c condition) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.putLocked(bucket, o, c)
	if err != nil {
		o.blob.drop()
	}
	return err
}

func (v *vault) putLocked(bucket string, o *object, c condition) error {
	b, err := v.bucket(bucket)
	if err != nil {
		return err
	}
	old := b[o.Key]
	if err := c.holds(old); err != nil {
		return err
	}
	if err := v.keep(o.blob, bucket, o.meta); err != nil {
		return err
	}
	if b[o.Key] = o; old != nil {
		old.blob.drop()
	}
	return nil
}

// delete removes an object; one that is not there is removed already.
func (v *vault) delete(bucket, key string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := v.bucket(bucket)
	if err != nil {
		return err
	}
	if o := b[key]; o != nil {
		delete(b, key)
		o.blob.drop()
	}
	return nil
}

// sorted returns the objects of a bucket that begin with a prefix and come after a key, in order.
func (v *vault) sorted(bucket, prefix, after string) ([]meta, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := v.bucket(bucket)
	if err != nil {
		return nil, err
	}
	var out []meta
	for key, o := range b {
		if strings.HasPrefix(key, prefix) && key > after {
			out = append(out, o.meta)
		}
	}
	slices.SortFunc(out, func(a, b meta) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}
