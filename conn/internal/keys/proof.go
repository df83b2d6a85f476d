package keys

// Proof is how the other end of a link has proved to be the collector that it says it is, the best that it has shown.
type Proof string

// The proofs, from none on.
const (
	// None is the word of an end with an ephemeral key that dialled this collector.
	None Proof = ""
	// FirstUse is a lasting key that came and said a name, and is recognised since. Nobody has vouched for it.
	FirstUse Proof = "first use"
	// Dialled is an end that this collector dialled, on loopback or by TLS: the operator who gave the address vouches for it.
	Dialled Proof = "dialled"
	// KnownKey is a key that was vouched for before.
	KnownKey Proof = "known key"
	// Secret is knowledge of the mesh secret.
	Secret Proof = "secret"
	// Certificate is a certificate that names the collector.
	Certificate Proof = "certificate"
)

// rank orders them.
func (p Proof) rank() int {
	for i, q := range [...]Proof{None, FirstUse, Dialled, KnownKey, Secret, Certificate} {
		if p == q {
			return i
		}
	}
	return 0
}

// Proven reports whether an end with this proof may be believed: what it says of callers, and with what callers confide.
func (p Proof) Proven() bool { return p.rank() >= Dialled.rank() }

// Best is the better of two proofs.
func Best(p, q Proof) Proof {
	if q.rank() > p.rank() {
		return q
	}
	return p
}
