package awsconf

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// page answers as a portal does that wants one to sign in first: with success.
func page(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Sign in</title></html>")
}

// What is no S3 and says yes to everything has neither objects nor none.
func TestAPortalIsNoS3(t *testing.T) {
	const want = "what answers there is no S3 (check AWS_ENDPOINT_URL and what lies between, such as a proxy)"
	s, _ := against(t, page)
	at := Object{"acme", "k"}
	for what, call := range map[string]func() error{
		"read": func() error { _, err := read(s); return err },
		"head": func() error { _, _, err := s.Head(t.Context(), at, true); return err },
		"list": func() error { return s.List(t.Context(), at, func([]types.Object) error { return nil }) },
		"write": func() error {
			_, err := s.Upload(t.Context(), Upload{To: at, Body: strings.NewReader("x"), Size: 1})
			return err
		},
	} {
		if err := call(); fmt.Sprint(err) != want || err.(*Error).Temporary() {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAListingThatBreaksOffIsNoEmptyOne(t *testing.T) {
	for answer, want := range map[string]string{
		"<ListBucketResult><Name>acme</Name><Contents><Key>x": "the service's answer cannot be read: XML syntax error on line 1: unexpected EOF",
		"404": "there is no such bucket (check its name, the account and the endpoint)",
	} {
		s, _ := against(t, func(w http.ResponseWriter, _ *http.Request) {
			if answer == "404" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = io.WriteString(w, answer)
		})
		if err := s.List(t.Context(), Object{"acme", "k"}, func([]types.Object) error { return nil }); fmt.Sprint(err) != want {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// A server that does not mind If-Match and Range must not mix two versions into one.
func TestARestOfAnotherVersionIsNoRest(t *testing.T) {
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{[]string{"ETag", `"another"`}, "it changed while it was read"},
		{[]string{"Content-Range", "bytes 0-6/10"}, "another part of it came than was asked for"},
		{[]string{"Content-Range", "bytes 3-9/10"}, "<nil>"},
	} {
		s, _ := against(t, gives(3), gives(10, c.headers...))
		if _, err := read(s); fmt.Sprint(err) != c.want {
			t.Errorf("%q: %v", c.headers, err)
		}
	}
	s, _ := against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"tag"`)
		_ = http.NewResponseController(w).Flush() // no length
		_, _ = io.WriteString(w, content)
	})
	if _, err := read(s); fmt.Sprint(err) != "the answer does not say how long the object is" {
		t.Error(err)
	}
}

func TestEndpointsThatAreNoURLs(t *testing.T) {
	for value, shown := range map[string]string{
		"127.0.0.1:9000": `"127.0.0.1:9000"`, "minio": `"minio"`, "s3://minio": `"s3://minio"`, "http://": `"http:"`, "http://%zz": `"http://%zz"`, "http:/one": `"http:/one"`,
		"ftp://me:secret@host": `"ftp://me:xxxxx@host"`,
	} {
		for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
			_, err := new(Sessions).Get(t.Context(), From([]string{name + "=" + value, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}))
			if want := name + " is no URL: " + shown + " (write it like http://host:9000)"; fmt.Sprint(err) != want || FaultOf(err) != BadSettings {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		}
	}
}

// TestATasksOwnIdentity: a task's environment holds the program's variables too; what it says itself
// is never joined with them.
func TestATasksOwnIdentity(t *testing.T) {
	program := []string{"AWS_ACCESS_KEY_ID=ours", "AWS_SECRET_ACCESS_KEY=s", "AWS_SESSION_TOKEN=t", "AWS_REGION=eu-west-1"}
	for _, kv := range append(program, "AWS_PROFILE=") {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	for _, c := range []struct {
		own  []string
		want string // key secret token profile region
	}{
		{nil, "ours s t  eu-west-1"},
		{[]string{"AWS_ACCESS_KEY_ID=ours"}, "ours s t  eu-west-1"},
		{[]string{"AWS_ACCESS_KEY_ID=mine", "AWS_SECRET_ACCESS_KEY=m"}, "mine m   eu-west-1"},
		{[]string{"AWS_ACCESS_KEY_ID=mine"}, "mine    eu-west-1"},
		{[]string{"AWS_SECRET_ACCESS_KEY=m"}, "ours m   eu-west-1"},
		{[]string{"AWS_PROFILE=dev"}, "   dev eu-west-1"},
		{[]string{"AWS_REGION=us-east-1"}, "ours s t  us-east-1"},
	} {
		v := From(changed(program, c.own)).vars
		got := strings.Join([]string{v["AWS_ACCESS_KEY_ID"], v["AWS_SECRET_ACCESS_KEY"], v["AWS_SESSION_TOKEN"], v["AWS_PROFILE"], v["AWS_REGION"]}, " ")
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.own, got, c.want)
		}
	}
}

// changed is an environment with some variables set anew, as a task's is made.
func changed(env, with []string) []string { return append(append([]string{}, env...), with...) }
