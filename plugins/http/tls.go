package http

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"weft/plugins"
)

// untrusted says what is wrong with a server's certificate, and where the mistake may be. None of it may
// be overlooked: there is no switch for that.
func untrusted(err *tls.CertificateVerificationError) *plugins.Error {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err.Err, &authority):
		e := plugins.Errorf(plugins.Remote, "its certificate is not trusted: it is signed by an unknown authority")
		e.Hint = "name the file of that authority's certificate in SSL_CERT_FILE where weft is started"
		return e
	case errors.As(err.Err, &host):
		return plugins.Errorf(plugins.Remote, "its certificate is not trusted: it is for %s, not for %s", hostsOf(host.Certificate), shorten(host.Host))
	case errors.As(err.Err, &invalid) && invalid.Reason == x509.Expired:
		return plugins.Errorf(plugins.Remote, "its certificate is not trusted: it holds from %s to %s",
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return plugins.Errorf(plugins.Remote, "its certificate is not trusted: %s", plain(err.Err))
}

// hostsOf are the hosts that a certificate is for.
func hostsOf(c *x509.Certificate) string {
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no host"
	}
	return shorten(strings.Join(names, ", "))
}
