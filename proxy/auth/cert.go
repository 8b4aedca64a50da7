package auth

import (
	"crypto/x509"
	"fmt"

	"github.com/pgroute/pgroute/internal/pg"
)

// CheckCertificate compares a verified client certificate with the user who
// wants to log in: its common name must be the role's name, as the cert
// method of pg_hba.conf has it without a map. nil means that the client showed none.
func CheckCertificate(cert *x509.Certificate, user string) error {
	message := fmt.Sprintf(`certificate authentication failed for user "%s"`, user)
	switch {
	case cert == nil:
		return fatal(pg.InvalidAuthorization, "connection requires a valid client certificate", "")
	case cert.Subject.CommonName == "":
		return fatal(pg.InvalidAuthorization, message, "client certificate contains no user name")
	case cert.Subject.CommonName != user:
		return fatal(pg.InvalidAuthorization, message, "the certificate's common name is that of another user")
	}
	return nil
}
