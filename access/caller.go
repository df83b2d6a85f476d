package access

import (
	"context"
	"strings"
	"unique"
)

// Caller is a principal and where its call entered the mesh. It is immutable. Make one for a connection or a credential, not
// for each call: it is what decisions are remembered by. Two callers that are made of the same parts are one to a [Guard].
type Caller struct {
	// Principal is who calls; never nil.
	*Principal
	// Origin is where the call entered.
	Origin

	text  string
	shown string // the principal
	id    callerID
}

// NewCaller makes a caller. A nil principal, and one that [Principal.Check] refuses, becomes [Nobody].
func NewCaller(p *Principal, o Origin) *Caller {
	if p == nil || p.Check() != nil {
		p = Nobody
	}
	o = o.known()
	text := callerText(p, o)
	return &Caller{Principal: p, Origin: o, text: text, shown: p.String(), id: unique.Make(text + "\n" + o.Via)}
}

// String is the principal as Cedar writes it, made once, for history and logs.
func (c *Caller) String() string { return c.settled().shown }

// stranger is the caller of what brings none: the one that may do least.
var stranger = NewCaller(Nobody, Origin{Network: NetworkRemote})

// settled is the caller itself if NewCaller made it, otherwise one that NewCaller makes of it.
func (c *Caller) settled() *Caller {
	switch {
	case c == nil:
		return stranger
	case c.text == "":
		return NewCaller(c.Principal, c.Origin)
	default:
		return c
	}
}

// callerID is the text and Via of a caller, made one pointer, so that a key of decisions is small and callers that are made of
// the same parts share what is remembered. It is forgotten with the last that has it.
type callerID = unique.Handle[string]

// textVersion begins the text of a caller.
const textVersion = "1"

// Text is the caller as it crosses links: at most 4 KiB, the same for the same parts, and read by [ParseCaller]. Via is not
// in it, since whoever receives it knows from whom. It has no secrets.
func (c *Caller) Text() string { return c.settled().text }

// callerText is lines: no field can have a line end.
func callerText(p *Principal, o Origin) string {
	tls := "plain"
	if o.TLS {
		tls = "tls"
	}
	fields := append([]string{textVersion, string(p.Kind), p.ID, o.Network, tls, o.Entrance}, p.Groups...)
	return strings.Join(fields, "\n")
}

type contextKey struct{}

// ContextKey is the key of a context by which [CallerFromContext] finds a *Caller, for context types that have one of
// their own. Do not assign to it.
var ContextKey any = contextKey{}

// WithCaller gives a context its caller, for handlers. It is not passed on: what a handler calls in turn is called by the
// collector itself, whoever called the handler.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, ContextKey, c)
}

// CallerFromContext is the caller of the call that a handler answers, and whether there is one.
func CallerFromContext(ctx context.Context) (*Caller, bool) {
	c, ok := ctx.Value(ContextKey).(*Caller)
	return c, ok && c != nil
}

// PrincipalFromContext is who made the call that a handler answers. It is false outside of calls, and without a [Guard]; a
// caller without credentials is [Nobody] and true.
func PrincipalFromContext(ctx context.Context) (*Principal, bool) {
	c, ok := CallerFromContext(ctx)
	if !ok {
		return nil, false
	}
	return c.Principal, true
}
