package link

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"time"

	"connectrpc.com/connect/v2"
)

// Hello is what an end says of itself, and what it has proven of that.
type Hello struct {
	// CollectorID is the identity of the process.
	CollectorID string
	// SessionID names this run of the process, to tell a restart from a reconnect.
	SessionID string
	// Key is the public key that the other end has proven to have. That of this end is in its [Proof].
	Key ed25519.PublicKey
	// Ephemeral says that the key ends with its process.
	Ephemeral bool
	// Secret says that the other end has proven to know one of the [Proof.Secrets] of this end.
	Secret bool
}

// Limits bound what a link holds and how long it waits. A zero field means its default.
type Limits struct {
	// MaxMessage is the largest message accepted, in bytes. Default 4 MiB.
	MaxMessage int
	// MaxCalls is how many calls of the other end may run at once; more get resource_exhausted. Default 4096.
	MaxCalls int
	// MaxQueued is how many bytes may wait to be written; senders of more wait. Default 4 MiB.
	MaxQueued int
	// MaxHeld is how much memory the link may take for what the other end has sent: messages and parts of them, metadata, names,
	// answers, catalogs, and 8 KiB for each call that is served. A quarter of it is for catalogs alone. A call that would
	// exceed the rest gets resource_exhausted. Messages of more than 128 KiB take turns for a quarter, so it should be four
	// times MaxMessage. As much may be taken by messages of more than 16 KiB that this end has encoded, until they have left;
	// senders of more wait. Default 64 MiB.
	MaxHeld int
	// StallTimeout is how long a message may wait for a receiver that does not read, and one that is not yet encoded for those
	// before it, if none of them moves. Default 30 s.
	StallTimeout time.Duration
}

// WithDefaults fills in what is 0: the limits as they are in force.
func (l Limits) WithDefaults() Limits {
	return Limits{
		MaxMessage:   cmp.Or(l.MaxMessage, 4<<20),
		MaxCalls:     cmp.Or(l.MaxCalls, 4096),
		MaxQueued:    cmp.Or(l.MaxQueued, 4<<20),
		MaxHeld:      cmp.Or(l.MaxHeld, 64<<20),
		StallTimeout: cmp.Or(l.StallTimeout, 30*time.Second),
	}
}

const (
	// unagreedBytes is what a link holds for a stranger, and unagreedQueue what it lets wait to be written.
	unagreedBytes = 64 << 10
	unagreedQueue = 16 << 10
)

// Handler serves a call that the other end opened. It has the shape of [connect.Server.Call]: procedure is the
// leading-slash path, info holds the request headers and takes the response headers and trailers, info.TransportInfo
// is a [*ServerInfo]. The returned error is the verdict of the call. Handlers run concurrently; a panic is logged and
// answered as internal.
type Handler func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error

func unimplemented(_ context.Context, procedure string, _ *connect.CallInfo, _ connect.ServerStream) error {
	return connect.Errorf(connect.CodeUnimplemented, "procedure %q not registered", procedure)
}
