package temporalserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// An Authority issues certificates for one test.
type Authority struct {
	CA string // the file of its own certificate, PEM

	t    testing.TB
	dir  string
	self *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A Certificate is two PEM files. The zero one is none.
type Certificate struct{ Cert, Key string }

// A Validity is from when until when a certificate is valid.
type Validity struct{ From, Until time.Time }

// Valid is an hour before and a day after now.
func Valid() Validity {
	now := time.Now()
	return Validity{now.Add(-time.Hour), now.Add(24 * time.Hour)}
}

// Expired ended an hour ago.
func Expired() Validity {
	now := time.Now()
	return Validity{now.Add(-48 * time.Hour), now.Add(-time.Hour)}
}

// NewAuthority makes an authority whose files last as long as the test.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir()}
	now := time.Now()
	a.self = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: now.Add(-30 * 24 * time.Hour), NotAfter: now.Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = a.newKey()
	a.CA = a.write("CA", "CERTIFICATE", a.sign(a.self, a.key))
	return a
}

var serial atomic.Int64

// Issue makes a certificate for a name, which may be an IP address; it does for clients and for servers.
func (a *Authority) Issue(name string, valid Validity) Certificate {
	a.t.Helper()
	n := serial.Add(1)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1 + n), Subject: pkix.Name{CommonName: name},
		NotBefore: valid.From, NotAfter: valid.Until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{name}
	}
	key := a.newKey()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return Certificate{
		Cert: a.write(fmt.Sprintf("%d.crt", n), "CERTIFICATE", a.sign(c, key)),
		Key:  a.write(fmt.Sprintf("%d.key", n), "PRIVATE KEY", raw),
	}
}

func (a *Authority) newKey() *ecdsa.PrivateKey {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *Authority) sign(c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, c, a.self, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

func (a *Authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}
