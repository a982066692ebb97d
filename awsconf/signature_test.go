package awsconf

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// signatureOf computes the signature of a request as the specification of Signature Version 4 has
// it, from what the request says that it signs.
func signatureOf(r *http.Request, body, secret string) string {
	_, fields, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	said := map[string]string{}
	for field := range strings.SplitSeq(fields, ", ") {
		name, value, _ := strings.Cut(field, "=")
		said[name] = value
	}
	_, scope, _ := strings.Cut(said["Credential"], "/")
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	request := r.Method + "\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n"
	for name := range strings.SplitSeq(said["SignedHeaders"], ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		request += name + ":" + value + "\n"
	}
	request += "\n" + said["SignedHeaders"] + "\n" + sum(body)
	key := []byte("AWS4" + secret)
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+r.Header.Get("X-Amz-Date")+"\n"+scope+"\n"+sum(request)) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// The specification's own example: a list of users.
func TestThePublishedExampleOfASignature(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=?")
	const want = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
	if got := signatureOf(r, "", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"); got != want {
		t.Errorf("got %s", got)
	}
}

func TestACallIsSigned(t *testing.T) {
	var seen *http.Request
	var body []byte
	s := talks(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"Value": "v"}`)
	})
	var out struct{ Value string }
	if err := thing.Ask(t.Context(), s, "Get", map[string]string{"Name": "<é>"}, &out); err != nil || out.Value != "v" {
		t.Fatal(out, err)
	}
	auth := seen.Header.Get("Authorization")
	_, claimed, _ := strings.Cut(auth, "Signature=")
	if got := signatureOf(seen, string(body), "very-secret"); got != claimed {
		t.Errorf("signed %s, want %s", claimed, got)
	}
	for what, other := range map[string]string{"body": signatureOf(seen, string(body)+" ", "very-secret"), "key": signatureOf(seen, string(body), "another")} {
		if other == claimed {
			t.Errorf("another %s has the same signature", what)
		}
	}
	if !strings.Contains(auth, "Credential=akid/") || !strings.Contains(auth, "/eu-west-1/thing/aws4_request") {
		t.Error(auth)
	}
	_, signed, _ := strings.Cut(auth, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	for name, want := range map[string]string{
		"host": "", "x-amz-date": "", "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSThing.Get", "x-amz-security-token": "very-token",
	} {
		if !slices.Contains(strings.Split(signed, ";"), name) || want != "" && seen.Header.Get(name) != want {
			t.Errorf("%s: %q, of what is signed: %s", name, seen.Header.Get(name), signed)
		}
	}
}
