package awsconf

import (
	"fmt"
	"strings"
	"testing"
)

func TestURIsOfS3(t *testing.T) {
	for uri, want := range map[string]string{
		"s3://acme":                              "acme ",
		"s3://acme/":                             "acme ",
		"s3://acme/a/b%20?#+ é":                  "acme a/b%20?#+ é",
		"s3://acme//a//":                         "acme /a//",
		"s3://acme/...":                          "acme ...",
		"s3://my.bucket-1/x":                     "my.bucket-1 x",
		"":                                       "it is no URI of S3 (write s3://bucket/key)",
		"S3://acme/x":                            "it is no URI of S3 (write s3://bucket/key)",
		"s3:/acme/x":                             "it is no URI of S3 (write s3://bucket/key)",
		"s3:///x":                                `"" is no bucket's name (3 to 63 of a-z 0-9 . -)`,
		"s3://ab/x":                              `"ab" is no bucket's name (3 to 63 of a-z 0-9 . -)`,
		"s3://a..b/x":                            `"a..b" is no bucket's name (3 to 63 of a-z 0-9 . -)`,
		"s3://me:pw@acme/x":                      `"me:pw@acme" is no bucket's name (3 to 63 of a-z 0-9 . -)`,
		"s3://acme/../x":                         `its key has the part ".."`,
		"s3://acme/a/./b":                        `its key has the part "."`,
		"s3://acme/a\x00":                        "its key holds a control character",
		"s3://acme/a\r\nHost: x":                 "its key holds a control character",
		"s3://acme/\xff":                         "its key is not UTF-8",
		"s3://acme/" + strings.Repeat("k", 1025): "its key has 1025 bytes, at most 1024 are allowed",
	} {
		o, err := ParseURI(uri)
		got := o.Bucket + " " + o.Key
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", uri, got, want)
		}
	}
}

// What is read is written back the same, and never leads out of its bucket.
func FuzzParseURI(f *testing.F) {
	for _, s := range []string{"s3://acme/x", "s3://acme", "s3://acme/../x", "s3://acme//", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		o, err := ParseURI(uri)
		if err != nil {
			return
		}
		if o.String() != uri && o.String() != uri+"/" {
			t.Errorf("%q became %q", uri, o)
		}
		if again, err := ParseURI(o.String()); err != nil || again != o {
			t.Errorf("%q is read as %+v, %v", o, again, err)
		}
		if strings.Contains("/"+o.Key+"/", "/../") || strings.Contains(o.Bucket, "/") {
			t.Errorf("%q leads out of its bucket", uri)
		}
	})
}

func TestWhereCallsGo(t *testing.T) {
	for env, want := range map[string]string{
		"AWS_ENDPOINT_URL=http://127.0.0.1:9000":                                "127.0.0.1:9000",
		"AWS_ENDPOINT_URL_S3=https://s3.corp AWS_ENDPOINT_URL=http://else":      "s3.corp",
		"AWS_ENDPOINT_URL_GLUE=http://else":                                     "acme.s3",
		"AWS_ENDPOINT_URL=http://else AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true": "acme.s3",
	} {
		if got := S3Host(strings.Fields(env), "acme"); got != want {
			t.Errorf("%s: %s, want %s", env, got, want)
		}
	}
	for endpoint, byPath := range map[string]bool{
		"http://127.0.0.1:9000": true, "https://minio.corp": true, "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com": false,
		"https://s3.eu-west-1.amazonaws.com": false, "https://amazonaws.com.evil.example": true,
	} {
		s, err := new(Sessions).Get(t.Context(), Settings{vars: map[string]string{"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		if o := s.S3().Options(); o.UsePathStyle != byPath || fmt.Sprint(*o.BaseEndpoint) != endpoint {
			t.Errorf("%s by path: %v", endpoint, o.UsePathStyle)
		}
	}
}
