package access

import (
	"context"
	"crypto/tls"
	"log/slog"
)

// Credentials is what a connection or a request shows of who it is. It prints without its secrets.
type Credentials struct {
	// Authorization is the header of that name, empty without one.
	Authorization string
	// APIKey is the header X-Api-Key, empty without one.
	APIKey string
	// TLS is the state of the connection, nil without TLS. Its certificates are verified by whoever accepted it, or not at
	// all: VerifiedChains says which.
	TLS *tls.ConnectionState
	// Socket is who is at the other end of a unix socket, as the kernel says; nil for other connections.
	Socket *SocketPeer
	// Remote is the address of the other end, host:port; empty for a socket and for this process.
	Remote string
}

// SocketPeer is the process at the other end of a unix socket.
type SocketPeer struct {
	// UID and GID are the effective ids of its user and group.
	UID, GID uint32
	// PID is the id of the process when it connected.
	PID int32
}

// Any reports whether anything is shown by which somebody could be authenticated.
func (c Credentials) Any() bool {
	return c.Authorization != "" || c.APIKey != "" || c.Socket != nil || c.TLS != nil && len(c.TLS.PeerCertificates) > 0
}

// String is what kinds of credentials there are, without what they are.
func (c Credentials) String() string {
	text := "credentials from " + c.Remote
	if c.Authorization != "" {
		text += " Authorization"
	}
	if c.APIKey != "" {
		text += " X-Api-Key"
	}
	if c.TLS != nil && len(c.TLS.PeerCertificates) > 0 {
		text += " certificate"
	}
	if c.Socket != nil {
		text += " socket"
	}
	return text
}

// GoString is String, so that no verb of package fmt prints a secret.
func (c Credentials) GoString() string { return c.String() }

// LogValue is String, for logs.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is String, for JSON and the like.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Authenticator turns credentials of one kind into a principal. It is safe for concurrent use.
//
// It may implement [Reloader], [Describer] and [Troubled] too.
type Authenticator interface {
	// Authenticate gives the principal of credentials. Both results are nil where nothing of its kind is shown. An error
	// refuses the caller, who is then never taken for anonymous: its message is shown to the caller and has no secrets. An error
	// of connect keeps its code, such as unavailable while keys cannot be had; any other is unauthenticated.
	Authenticate(ctx context.Context, c *Credentials) (*Principal, error)
}

// Describer says in lines for people how something is configured, for start-up and status: no secrets.
type Describer interface {
	// Lines are the lines, without line ends.
	Lines() []string
}

// Troubled says what is wrong now with what credentials are judged by, for the warnings of status.
type Troubled interface {
	// Troubles are sentences for people, each with what is in force instead; none while all is well. They have no secrets.
	Troubles() []string
}

// Reloader has files that it reads again.
type Reloader interface {
	// Files are the paths that are worth watching.
	Files() []string
	// Reload reads them again. What fails keeps what was loaded before.
	Reload() error
}
