package conn

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/collectiverpc/collective/conn/internal/keys"
	"github.com/collectiverpc/collective/conn/internal/secret"
	"github.com/collectiverpc/collective/internal/name"
)

// Proof is how a peer has proved who it is on a link: the best that it has shown there. Every link proves the key of its
// end and nothing of an earlier link counts, so it holds for the link that it is read with.
type Proof string

// The proofs, from none on.
const (
	// ProofNone is the peer's word: its key ends with its process, and it dialled this collector.
	ProofNone = Proof(keys.None)
	// ProofFirstUse is a lasting key that dialled this collector, said a name that nobody had, and is recognised since.
	// Nobody has vouched for it here. It is also what is shown by a peer that was first dialled without TLS beyond loopback.
	ProofFirstUse = Proof(keys.FirstUse)
	// ProofDialled is a peer that this collector dialled, on loopback or by TLS: whoever gave the address vouches for it.
	ProofDialled = Proof(keys.Dialled)
	// ProofKnownKey is the key that was vouched for before: it was dialled as above, or showed one of those below.
	ProofKnownKey = Proof(keys.KnownKey)
	// ProofSecret is knowledge of the mesh secret, see [WithMeshSecret], with the known key of its id.
	ProofSecret = Proof(keys.Secret)
	// ProofCertificate is a certificate that names the peer, see [WithIdentity].
	ProofCertificate = Proof(keys.Certificate)
)

// Proven reports whether a peer with this proof may be believed: what it says of the callers that it brings, and with what
// callers confide, such as their Authorization header. [ProofNone] and [ProofFirstUse] are not enough for it: any process
// on this machine can have them.
func (p Proof) Proven() bool { return keys.Proof(p).Proven() }

// Fingerprint is SHA256: and the hash of a key, as ssh-keygen prints it.
func Fingerprint(key ed25519.PublicKey) string { return keys.Fingerprint(key) }

// MeshSecretFile reads secrets for [WithMeshSecret] from a file: one in each line, in base64, the newest first; empty lines
// and those that begin with # do not count. Only its owner and its group may be able to read it. It is read again when it
// has changed; one that cannot be used then is logged, and the secrets of before stay in force. dispatcher.WithMeshSecretFile
// does the same, and says so in status.
func MeshSecretFile(path string, logger *slog.Logger) (secrets func() [][]byte, err error) {
	file, err := OpenMeshSecrets(path, logger)
	if err != nil {
		return nil, err
	}
	return file.Secrets, nil
}

// MeshSecrets are the secrets in a file, see [MeshSecretFile]. It is safe for concurrent use.
type MeshSecrets struct{ file *secret.File }

// OpenMeshSecrets is [MeshSecretFile] for those who want to know how the file is.
func OpenMeshSecrets(path string, logger *slog.Logger) (*MeshSecrets, error) {
	file, err := secret.Open(path, func(err error) {
		if err == nil {
			logger.Info("the mesh secrets can be read again", "file", path)
			return
		}
		logger.Error("the mesh secrets of before stay in force", "file", path, "error", err)
	})
	if err != nil {
		return nil, err
	}
	return &MeshSecrets{file}, nil
}

// Secrets are those in force, for [WithMeshSecret]. It reads the file again if that has changed.
func (s *MeshSecrets) Secrets() [][]byte { return s.file.Secrets() }

// Warnings says that the file cannot be used as it is now; none while it can. It reads the file again if that has changed.
func (s *MeshSecrets) Warnings() []string {
	if trouble := s.file.Trouble(); trouble != nil {
		return []string{trouble.Error() + "; the mesh secrets of before are in force"}
	}
	return nil
}

// NewMeshSecretFile makes a file with a new secret for [MeshSecretFile], that only its owner can read. It refuses if there is one.
func NewMeshSecretFile(path string) error { return secret.Create(path, time.Now()) }

// RotateMeshSecretFile puts a new secret first into the file and keeps the one that was, second; others go. Collectors that
// have the file as it was and those that have it as it is link with each other.
func RotateMeshSecretFile(path string) error { return secret.Rotate(path, time.Now()) }

// LinkInfo is what is known of the other end of a link. It does not change while the link lives, but for Consumer, which is
// known with the agreement.
type LinkInfo struct {
	// ID is the collector id that the other end goes by.
	ID string
	// Proof is how it has proved that, on this link.
	Proof Proof
	// Consumer tells that it only calls, and is no peer.
	Consumer bool
	// Dialed tells that this collector dialled the link.
	Dialed bool
	// Remote is the ip:port of the other end, or of the proxy that it came through.
	Remote string
	// TLS is the state of the connection that carries the link; nil for none. It must not be changed.
	TLS *tls.ConnectionState
	// Values has the values of the context of the request that opened the link, and is never cancelled; nil for one that
	// was dialled.
	Values context.Context //nolint:containedctx // see above
}

// Proven is [Proof.Proven].
func (i LinkInfo) Proven() bool { return i.Proof.Proven() }

// Identity says which collector a certificate is of, or why it is nobody's. It is asked only about certificates that
// TLS has verified, and may be asked concurrently.
type Identity func(certificate *x509.Certificate) (collectorID string, err error)

// SPIFFE returns the rule that a certificate is of collector ID if it has the URI
//
//	spiffe://trustDomain/collector/ID
//
// and no other: more than one make it nobody's, as SPIFFE wants it. Its names and DNS names do not count.
// A trust domain is 1 to 255 of a-z, 0-9, '.', '-' and '_'; anything else is an error.
func SPIFFE(trustDomain string) (Identity, error) {
	if trustDomain == "" || len(trustDomain) > 255 || strings.ContainsFunc(trustDomain, notInTrustDomain) {
		return nil, fmt.Errorf("trust domain %.80q: want 1 to 255 of a-z, 0-9, '.', '-' and '_', such as mesh.example", trustDomain)
	}
	prefix := "spiffe://" + trustDomain + "/collector/"
	return func(certificate *x509.Certificate) (string, error) {
		if len(certificate.URIs) != 1 {
			return "", fmt.Errorf("it has %d URIs, not one %sID", len(certificate.URIs), prefix)
		}
		uri := certificate.URIs[0].String()
		id, ok := strings.CutPrefix(uri, prefix)
		if !ok || name.CheckCollectorID(id) != nil {
			return "", fmt.Errorf("its URI is %.200q, not %sID", uri, prefix)
		}
		return id, nil
	}, nil
}

func notInTrustDomain(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_')
}

// Check refuses a TLS configuration that shows other certificates than those of a collector: nobody who asks by this
// rule would link with it. One that picks its certificate at each handshake is not looked at.
func (i Identity) Check(config *tls.Config, collectorID string) error {
	if config.GetCertificate != nil || config.GetClientCertificate != nil {
		return nil
	}
	if len(config.Certificates) == 0 {
		return fmt.Errorf("there is no certificate to show: give one that names collector %q", collectorID)
	}
	for _, pair := range config.Certificates {
		if err := i.checkOwn(pair, collectorID); err != nil {
			return err
		}
	}
	return nil
}

func (i Identity) checkOwn(pair tls.Certificate, collectorID string) error {
	if len(pair.Certificate) == 0 {
		return errors.New("a certificate is empty: load it with its key")
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return err
	}
	return i.CheckLeaf(leaf, collectorID)
}

// CheckLeaf refuses a certificate that is not a collector's, as [Identity.Check] does, for those that are renewed.
func (i Identity) CheckLeaf(leaf *x509.Certificate, collectorID string) error {
	id, err := i(leaf)
	if err != nil {
		return fmt.Errorf("the certificate names no collector (%w): give one that names %q", err, collectorID)
	}
	if id != collectorID {
		return fmt.Errorf("the certificate is of collector %q: run under that id, or give a certificate of %q", id, collectorID)
	}
	return nil
}
