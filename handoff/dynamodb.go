package handoff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"weft/awsconf"
	"weft/machine"
)

// table keeps values as items of a table of DynamoDB, one each. The partition key, `run`, is the first two
// names of a value's key, "dag/run"; the sort key, `key`, is the rest: so all that a run has is one query
// away, and a run's writes share a partition with nobody. Credentials and endpoint are those of weft
// itself.
type table struct{ name string }

var _ Backend = table{}

// maxItem is what one value may have, in bytes. An item may have 409,600, names and keys counted.
const maxItem = 400_000

// ErrTooLarge: a value has more bytes than its place takes. It is no matter of trying again.
var ErrTooLarge = errors.New("it is too large for its handoff")

// The members of an item. `run` and `key` are its key; the others are for whoever reads it.
const (
	runMember  = "run"
	keyMember  = "key"
	sizeMember = "size"
	sumMember  = "sha256"
	bodyMember = "body"
)

var tableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`) })

func openDynamoDB(u *url.URL) (Backend, error) {
	switch {
	case u.Opaque != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return nil, errors.New("it must name a table, and no more: dynamodb://table")
	case !tableName().MatchString(u.Host):
		return nil, fmt.Errorf("%.80q is no table's name (3 to 255 of a-z A-Z 0-9 _ . -)", u.Host)
	}
	return table{u.Host}, nil
}

func (t table) String() string { return "dynamodb://" + t.name }

// A value on the wire.
type (
	text   struct{ S string }
	number struct{ N string }
	binary struct{ B []byte }
	place  struct {
		Run text `json:"run"`
		Key text `json:"key"`
	}
	record struct {
		place
		Size   number `json:"size"`
		SHA256 text   `json:"sha256"`
		Body   binary `json:"body"`
	}
)

// placeOf is where a key's value lies.
func placeOf(key string) (place, error) {
	names := strings.Split(key, "/")
	for _, name := range names {
		if name == "" {
			return place{}, errors.New("a key has no empty part")
		}
	}
	if len(names) < 2 {
		return place{}, errors.New("a key has at least two parts")
	}
	n := min(2, len(names)-1)
	at := place{text{strings.Join(names[:n], "/")}, text{strings.Join(names[n:], "/")}}
	if len(at.Run.S) > 2048 || len(at.Key.S) > 1024 {
		return place{}, errors.New("the key is too long (at most 1024 bytes after DAG and run)")
	}
	return at, nil
}

// Put implements Backend. A value is written where there is none; where there is one that is the same, a
// call whose answer was lost or an attempt that a crash ended has written it. Another one is what a crash
// has left of this very attempt: it is replaced if it is still that one, so of two that write at once one
// is told.
func (t table) Put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	ref, err := t.put(ctx, key, r, size)
	if err != nil {
		return machine.Ref{}, fmt.Errorf("cannot put %s into %s: %w", key, t, err)
	}
	return ref, nil
}

func (t table) put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	at, err := placeOf(key)
	if err != nil {
		return machine.Ref{}, err
	}
	if size > maxItem {
		return machine.Ref{}, tooLarge(size)
	}
	in := newTally(ctx, r)
	body, err := io.ReadAll(io.LimitReader(in, maxItem+1))
	switch {
	case err != nil:
		return machine.Ref{}, err
	case len(body) > maxItem:
		return machine.Ref{}, tooLarge(-1)
	case size >= 0 && in.n != size:
		return machine.Ref{}, fmt.Errorf("%d bytes were announced, %d came", size, in.n)
	}
	ref := in.ref(t.String() + "/" + key)
	s, err := awsconf.For(ctx, nil)
	if err != nil {
		return machine.Ref{}, err
	}
	return ref, t.write(ctx, s, record{at, number{strconv.FormatInt(ref.Size, 10)}, text{ref.SHA256}, binary{body}})
}

func tooLarge(size int64) error {
	has := fmt.Sprintf("it has more than %d bytes", maxItem)
	if size >= 0 {
		has = fmt.Sprintf("it has %d bytes, and an item of DynamoDB takes %d", size, maxItem)
	}
	return fmt.Errorf("%w: %s (let `handoff` be s3://bucket/prefix or file:///folder)", ErrTooLarge, has)
}

// write puts a record where there is none, or in the place of one that was seen there.
func (t table) write(ctx context.Context, s *awsconf.Session, r record) error {
	type put struct {
		TableName                 string
		Item                      record
		ConditionExpression       string
		ExpressionAttributeNames  map[string]string
		ExpressionAttributeValues map[string]text `json:",omitempty"`
	}
	in := put{
		TableName: t.name, Item: r, ConditionExpression: "attribute_not_exists(#run) AND attribute_not_exists(#key)",
		ExpressionAttributeNames: map[string]string{"#run": runMember, "#key": keyMember},
	}
	for range 3 { // each time another writer was faster
		// Once more does no harm: what is written by then is known by its sum.
		err := awsconf.DynamoDB.Ask(ctx, s, "PutItem", in, nil)
		if awsconf.CodeOf(err) != "ConditionalCheckFailedException" {
			return told(err)
		}
		there, found, err := t.read(ctx, s, r.place, sumMember)
		switch {
		case err != nil:
			return err
		case found && there.SHA256 == r.SHA256:
			return nil
		case found:
			in.ConditionExpression = "#sum = :seen"
			in.ExpressionAttributeNames = map[string]string{"#sum": sumMember}
			in.ExpressionAttributeValues = map[string]text{":seen": there.SHA256}
		default: // it was removed in this moment
			in.ConditionExpression = "attribute_not_exists(#run) AND attribute_not_exists(#key)"
			in.ExpressionAttributeNames = map[string]string{"#run": runMember, "#key": keyMember}
			in.ExpressionAttributeValues = nil
		}
	}
	return &awsconf.Error{Fault: awsconf.Changed, Text: "another writer was at it in the same moment"}
}

// read gets an item, or one member of it beside its key; "" = all.
func (t table) read(ctx context.Context, s *awsconf.Session, at place, member string) (r record, found bool, err error) {
	type get struct {
		TableName                string
		Key                      place
		ConsistentRead           bool
		ProjectionExpression     string            `json:",omitempty"`
		ExpressionAttributeNames map[string]string `json:",omitempty"`
	}
	in := get{TableName: t.name, Key: at, ConsistentRead: true}
	if member != "" {
		in.ProjectionExpression = "#m"
		in.ExpressionAttributeNames = map[string]string{"#m": member}
	}
	var out struct{ Item *record }
	if err := told(awsconf.DynamoDB.Ask(ctx, s, "GetItem", in, &out)); err != nil || out.Item == nil {
		return record{}, false, err
	}
	return *out.Item, true, nil
}

// told says what a failure means for a handoff.
func told(err error) error {
	switch awsconf.CodeOf(err) {
	case "ResourceNotFoundException":
		return &awsconf.Error{Fault: awsconf.Other, Text: "there is no such table", Hint: "check its name, AWS_REGION and the account"}
	case "ValidationException":
		return &awsconf.Error{
			Fault: awsconf.BadRequest, Text: awsconf.Said(err),
			Hint: "the table needs the partition key `run` and the sort key `key`, both of type String",
		}
	}
	return err
}

// Fetch implements Backend.
func (t table) Fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	rc, err := t.fetch(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", uri, err)
	}
	return rc, nil
}

func (t table) fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	key, below := strings.CutPrefix(uri, t.String()+"/")
	if !below || key == "" {
		return nil, fmt.Errorf("%w %s", ErrOutside, t)
	}
	at, err := placeOf(key)
	if err != nil {
		return nil, err
	}
	s, err := awsconf.For(ctx, nil)
	if err != nil {
		return nil, err
	}
	r, found, err := t.read(ctx, s, at, "")
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errNoItem
	}
	return io.NopCloser(strings.NewReader(string(r.Body.B))), nil
}
