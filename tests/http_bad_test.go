package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A bout is one call of a server that is down, slow, or lies, and what the user is told.
type bout struct {
	what   string
	server func(*testing.T) site
	with   string // more of `with`
	proxy  bool   // it is the task's proxy, for https://inside.test
	within string // the attempt's timeout; "" = a minute
	asked  int32  // requests that the server saw
	kind   string // of the failure; "" = success
	says   string // the error, or what the log says of a success; URL is the server's
	output string // of a success: the answer's body
}

func bouts(known, other *issuer) []bout {
	tomorrow := time.Now().Add(24 * time.Hour)
	return []bout{
		{what: "nothing listens there", server: nobody, kind: "temporary", says: "cannot GET URL: connection refused, nothing listens there (is it started, and the port right?)"},
		{what: "there is no such host", server: nowhere, kind: "temporary", says: "cannot GET URL: there is no host nowhere.onion (is the name right, and known where weft runs?)"},
		{what: "an answer that does not come", server: serves(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), within: "300ms", asked: 1, kind: "timeout", says: "timed out after 300ms"},
		{what: "an answer that drips", server: serves(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, ".")
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}), within: "300ms", asked: 1, kind: "timeout", says: "timed out after 300ms"},
		{what: "closed without an answer", server: talks(""), asked: 1, kind: "temporary", says: "cannot GET URL: it closed the connection without an answer (it may pass: see retries)"},
		{what: "reset", server: hears(func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }), asked: 1, kind: "temporary", says: "cannot GET URL: it reset the connection (it may pass: see retries)"},
		{what: "no HTTP at all", server: talks("SSH-2.0-OpenSSH_9.9\r\n\r\n"), asked: 1, kind: "remote", says: `cannot GET URL: what it answers is no HTTP: malformed HTTP response "SSH-2.0-OpenSSH_9.9" (is the port right?)`},
		{what: "a status that is none", server: talks("HTTP/1.1 20x OK\r\n\r\n"), asked: 1, kind: "remote", says: `cannot GET URL: what it answers is no HTTP: malformed HTTP status code "20x" (is the port right?)`},
		{what: "a header without a colon", server: talks("HTTP/1.1 200 OK\r\nthis is none\r\n\r\n"), asked: 1, kind: "remote", says: `cannot GET URL: what it answers is no HTTP: malformed MIME header: missing colon: "this is none" (is the port right?)`},
		{what: "headers without end", server: talks("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n"), asked: 1, kind: "remote", says: "cannot GET URL: its headers are longer than 1048576 bytes"},
		{what: "less than it promised", server: talks("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour"), asked: 1, kind: "temporary", says: "cannot GET URL: its body breaks off after 4 bytes (it may pass: see retries)"},
		{what: "more than it promised: that is the answer's end", server: talks("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour and more"), asked: 1, output: `"four"`},
		{what: "two promises", server: talks("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfive!"), asked: 1, kind: "remote", says: `cannot GET URL: what it answers is no HTTP: message cannot contain multiple Content-Length headers; got ["4" "5"] (is the port right?)`},
		{what: "a promise that is no number", server: talks("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), asked: 1, kind: "remote", says: `cannot GET URL: what it answers is no HTTP: bad Content-Length "-1" (is the port right?)`},
		{what: "a promise of more than is taken", server: talks("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"), asked: 1, kind: "remote", says: "cannot GET URL: its body is longer than 33554432 bytes (fetch it with a script that writes a file, and keep that as an artifact)"},
		{what: "chunks that are none", server: talks("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfour\r\nfour\r\n0\r\n\r\n"), asked: 1, kind: "remote", says: "cannot GET URL: its body is damaged: invalid byte in chunk length"},
		{what: "chunks that break off", server: talks("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"), asked: 1, kind: "temporary", says: "cannot GET URL: its body breaks off after 4 bytes (it may pass: see retries)"},
		{what: "a chunk longer than it says", server: talks("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfive!\r\n0\r\n\r\n"), asked: 1, kind: "remote", says: "cannot GET URL: its body is damaged: malformed chunked encoding"},
		{what: "an encoding that nobody asked for", server: talks("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx"), asked: 1, kind: "remote", says: `cannot GET URL: what it answers is no HTTP: unsupported transfer encoding: "gzip" (is the port right?)`},
		{what: "gzip that is none", server: talks("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nthis is not gzip"), asked: 1, kind: "remote", says: "cannot GET URL: its body is damaged: it says it is gzip, and is not"},
		{what: "gzip that breaks off", server: talks("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + string(zeros[:1000])), asked: 1, kind: "temporary", says: "cannot GET URL: its body breaks off after 1008007 bytes (it may pass: see retries)"},
		{what: "a body that unfolds without end", server: pours(map[string]string{"Content-Encoding": "gzip"}, zeros), asked: 1, kind: "remote", says: "cannot GET URL: its body is longer than 33554432 bytes (fetch it with a script that writes a file, and keep that as an artifact)"},
		{what: "a body without end", server: pours(nil, make([]byte, 1<<20)), asked: 1, kind: "remote", says: "cannot GET URL: its body is longer than 33554432 bytes (fetch it with a script that writes a file, and keep that as an artifact)"},
		{what: "JSON without end", server: pours(map[string]string{"Content-Type": "application/json"}, []byte(strings.Repeat("[", 1<<20))), asked: 1, kind: "remote", says: "cannot GET URL: its body is longer than 33554432 bytes (fetch it with a script that writes a file, and keep that as an artifact)"},
		{what: "JSON that is none", server: says("application/json", `{"ready": tru`), asked: 1, output: `"{\"ready\": tru"`, says: "the body says it is JSON, and is not: it is taken as text"},
		{what: "JSON that is none, where the task asks for it", server: says("application/json", `{"ready": tru`), with: "expect: {when: output.body.ready == true}", asked: 1, kind: "remote", says: `bout.yaml:5:58: cannot evaluate expect.when: cannot read member "ready" of a text (fromJSON reads a text that is JSON) (GET URL answered 200 OK: {"ready": tru)`},
		{what: "an answer that is not what the task asks for", server: says("application/json", `{"ready": false}`), with: "expect: {when: output.body.ready == true}", asked: 1, kind: "remote", says: `cannot take the output: expect.when is false: output.body.ready == true (GET URL answered 200 OK: {"ready":false})`},
		{what: "JSON that nobody can hold", server: says("application/json", strings.Repeat("[", 20000)+strings.Repeat("]", 20000)), asked: 1, says: "the body says it is JSON, and is not: it is taken as text"},
		{what: "no UTF-8", server: says("text/plain; charset=latin1", "caf\xe9"), asked: 1, output: `"caf` + "\uFFFD" + `"`, says: "the body is not all UTF-8: what is not stands as U+FFFD"},
		{what: "redirects without end", server: leads("/again"), asked: 11, kind: "remote", says: "cannot GET URL, which redirects to URL/again: it redirects more than 10 times (expect: {status: 3xx} takes the redirect itself for the answer)"},
		{what: "a redirect to a cloud's metadata", server: leads("http://169.254.169.254/latest/meta-data/?x=1"), asked: 1, kind: "remote", says: "cannot GET URL: it redirects to http://169.254.169.254/latest/meta-data/?…: 169.254.169.254 is refused: it is link-local, or a cloud's metadata address (http.allow in weft.yaml opens an address)"},
		{what: "… spelled another way", server: leads("http://0xA9FEA9FE/"), asked: 1, kind: "remote", says: "cannot GET URL: it redirects to http://0xA9FEA9FE/: 169.254.169.254 is refused: it is link-local, or a cloud's metadata address (http.allow in weft.yaml opens an address)"},
		{what: "a redirect to a file", server: leads("file:///etc/passwd"), asked: 1, kind: "remote", says: "cannot GET URL: it redirects to what is no http or https URL (expect: {status: 3xx} takes the redirect itself for the answer)"},
		{what: "a redirect to another protocol", server: leads("ftp://127.0.0.1/x"), asked: 1, kind: "remote", says: "cannot GET URL: it redirects to what is no http or https URL (expect: {status: 3xx} takes the redirect itself for the answer)"},
		{what: "a redirect of a body to another host", server: leads("http://127.0.0.1:1/x"), with: "method: PUT, body: secret", asked: 1, kind: "remote", says: "cannot PUT URL: it redirects the body to another host, http://127.0.0.1:1/x (send it there yourself if that is right)"},
		{what: "a certificate of an authority that is known", server: known.serves("127.0.0.1", tomorrow), asked: 1, output: `"safe"`},
		{what: "… of one that is not", server: other.serves("127.0.0.1", tomorrow), kind: "remote", says: "cannot GET URL: its certificate is not trusted: it is signed by an unknown authority (name the file of that authority's certificate in SSL_CERT_FILE where weft is started)"},
		{what: "… for another host", server: known.serves("api.example.com", tomorrow), kind: "remote", says: "cannot GET URL: its certificate is not trusted: it is for api.example.com, not for 127.0.0.1"},
		{what: "… that has expired", server: known.serves("127.0.0.1", time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)), kind: "remote", says: "cannot GET URL: its certificate is not trusted: it holds from 2024-02-01T04:05:06Z to 2024-02-03T04:05:06Z"},
		{what: "TLS where there is none", server: func(t *testing.T) site {
			p := says("text/plain", "x")(t)
			p.url = strings.Replace(p.url, "http:", "https:", 1)
			return p
		}, kind: "remote", says: "cannot GET URL: it does not speak TLS there (perhaps the URL begins with http://)"},
		{what: "none where there is TLS", server: func(t *testing.T) site {
			p := known.serves("127.0.0.1", tomorrow)(t)
			p.url = strings.Replace(p.url, "https:", "http:", 1)
			return p
		}, kind: "remote", says: "cannot GET URL: it answered 400 Bad Request: Client sent an HTTP request to an HTTPS server."},
		{what: "a proxy that is down", server: nobody, proxy: true, kind: "temporary", says: "cannot GET https://inside.test/: its proxy cannot be reached: connection refused, nothing listens there (is it started, and the port right?)"},
		{what: "a proxy that refuses", server: serves(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), proxy: true, asked: 1, kind: "remote", says: "cannot GET https://inside.test/: the proxy answered 403 Forbidden"},
	}
}

// TestServersThatAreDownSlowOrLie: one clear error each, of the right kind; one request, whatever comes of
// it; memory that does not follow what the server sends; nothing left over.
func TestServersThatAreDownSlowOrLie(t *testing.T) {
	known, other := newIssuer(t), newIssuer(t)
	for _, b := range bouts(known, other) {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := b.server(t)
			url, env := p.url, "{}"
			if b.proxy {
				url, env = "https://inside.test/", fmt.Sprintf("{HTTPS_PROXY: %q}", p.url)
			}
			if b.with != "" {
				b.with = ", " + b.with
			}
			if b.within == "" {
				b.within = "1m"
			}
			file := w.write("bout.yaml", fmt.Sprintf(`id: bout
tasks:
  call:
    uses: http
    with: {url: %q%s}
    env: %s
    timeout: %s
    on_failure:
      note: {run: 'echo "${{ error.kind }}" >> "$LEDGER"'}
`, url, b.with, env, b.within))
			cmd := w.command("run", file, "--json")
			cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+w.write("authority.pem", string(known.pem)))
			var out bytes.Buffer
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			most := peakOf(cmd)
			_ = cmd.Wait() // the run may fail
			call := w.last(out.String()).Tasks["call"]
			peak := most() >> 20
			b.holds(t, p, call.State, strings.ReplaceAll(call.Reason, p.url, "URL"), w.effects())
			if log := w.run("logs", "latest", "call").out; b.kind == "" && !strings.Contains(log, b.says) {
				t.Errorf("the log does not say %q:\n%s", b.says, log)
			}
			var got struct{ Body json.RawMessage }
			if _ = json.Unmarshal(call.Output, &got); b.output != "" && string(got.Body) != b.output {
				t.Errorf("the body is %s, want %s", got.Body, b.output)
			}
			if peak > mostForABody {
				t.Errorf("it took %d MiB, at most %d are right", peak, mostForABody)
			}
			t.Logf("%d MiB", peak)
			left, _ := filepath.Glob(filepath.Join(w.dir, "state", "tmp", "*"))
			if found := survivors(w.dir); len(found)+len(left) > 0 {
				t.Errorf("left over: %v %v", found, left)
			}
		})
	}
}

// mostForABody is what a weft may take at its peak, in MiB: 32 MiB of a body beside the program itself.
const mostForABody = 96

// holds compares what became of the call with what the bout says.
func (b bout) holds(t *testing.T, p site, state, says string, kinds []string) {
	t.Helper()
	if n := p.asked.Load(); n != b.asked {
		t.Errorf("the server was asked %d times, want %d", n, b.asked)
	}
	if b.kind == "" {
		if state != "success" {
			t.Errorf("%s: %s", state, says)
		}
		return
	}
	if state != "failed" || says != b.says || !slices.Equal(kinds, []string{b.kind}) {
		t.Errorf("%s (%v): %s\nwant failed (%s): %s", state, kinds, says, b.kind, b.says)
	}
}
