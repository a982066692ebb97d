package tests

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A site is a server that a task calls: its URL, and how often it was asked for something.
type site struct {
	url   string
	asked *atomic.Int32
}

// serves starts a server on loopback that answers as handle does.
func serves(handle http.HandlerFunc) func(*testing.T) site {
	return func(t *testing.T) site {
		p := site{asked: new(atomic.Int32)}
		s := httptest.NewServer(counting(p, handle))
		t.Cleanup(s.Close)
		p.url = s.URL
		return p
	}
}

func counting(p site, handle http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		handle(w, r)
	})
}

// says answers with a body of a kind.
func says(kind, body string) func(*testing.T) site {
	return serves(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	})
}

// leads answers with a redirect.
func leads(to string) func(*testing.T) site {
	return serves(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	})
}

// pours answers with a head, and then with the same bytes until nobody takes them any more.
func pours(head map[string]string, again []byte) func(*testing.T) site {
	return serves(func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range head {
			w.Header().Set(k, v)
		}
		for {
			if _, err := w.Write(again); err != nil {
				return
			}
		}
	})
}

// talks starts a server that hears a request out and then sends these bytes, whatever they are.
func talks(bytes string) func(*testing.T) site {
	return hears(func(c net.Conn) { _, _ = io.WriteString(c, bytes) })
}

func hears(answer func(net.Conn)) func(*testing.T) site {
	return func(t *testing.T) site {
		l := listens(t)
		p := site{"http://" + l.Addr().String(), new(atomic.Int32)}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					for text, buf := "", make([]byte, 4096); !strings.Contains(text, "\r\n\r\n"); {
						n, err := c.Read(buf)
						if err != nil {
							return
						}
						text += string(buf[:n])
					}
					p.asked.Add(1)
					answer(c)
				}()
			}
		}()
		return p
	}
}

func listens(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// nobody is an address at which nothing listens any more.
func nobody(t *testing.T) site {
	l := listens(t)
	_ = l.Close()
	return site{"http://" + l.Addr().String(), new(atomic.Int32)}
}

// nowhere is a name that no resolver asks another about (RFC 7686).
func nowhere(*testing.T) site { return site{"http://nowhere.onion", new(atomic.Int32)} }

// zeros is 64 MiB of them, packed into as many KiB. Packed texts may follow one another.
var zeros = func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	chunk := make([]byte, 1<<20)
	for range 64 {
		_, _ = z.Write(chunk)
	}
	_ = z.Close()
	return b.Bytes()
}()

// An issuer signs certificates; the file holds its own.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "weft tests"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, own, own, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if i.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	i.key, i.pem = key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return i
}

// serves starts a TLS server whose certificate is good for a host until then.
func (i *issuer) serves(host string, until time.Time) func(*testing.T) site {
	return func(t *testing.T) site {
		p := site{asked: new(atomic.Int32)}
		leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: until.Add(-48 * time.Hour), NotAfter: until}
		if ip := net.ParseIP(host); ip != nil {
			leaf.IPAddresses = []net.IP{ip}
		} else {
			leaf.DNSNames = []string{host}
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, i.cert, &i.key.PublicKey, i.key)
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(counting(p, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "safe") }))
		s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: i.key}}}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		p.url = s.URL
		return p
	}
}
