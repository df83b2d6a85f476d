package link

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/handshake"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
	"github.com/collectiverpc/collective/conn/link/internal/socket"
)

// ServerInfo is the TransportInfo of a served call. It is shared by calls and must not be changed.
type ServerInfo struct {
	// Namespace is the one that the caller named.
	Namespace string
	// Caller is [Call.Caller], as the other end said it.
	Caller string
	// Memo is for what whoever serves made of the above, so that it need not be made again for each call. It is empty at
	// first; all that is stored has to be of one type.
	Memo atomic.Value
	// Link is the link that the call came over.
	Link *Link
}

// NamespaceOf returns the namespace that the caller of a served call named; empty for a call that came over no link.
func NamespaceOf(info *connect.CallInfo) string {
	if arrived, ok := info.TransportInfo.(*ServerInfo); ok {
		return arrived.Namespace
	}
	return ""
}

// Config is what an end brings to a link.
type Config struct {
	// Hello introduces this end by its collector id and session id. Required.
	Hello Hello
	// Proof is how this end proves itself, and whom it believes. Default: the zero [Proof].
	Proof Proof
	// Handler serves the calls of the other end. Nil answers them all with unimplemented.
	Handler Handler
	// OnCatalog is called with each catalog that the other end announces, one call at a time, and may block: when
	// another arrives before one is delivered, only that is. The bytes are not to be kept. The other end announces no more
	// until [Link.Taken]. Without it catalogs are taken, and nothing is done with them.
	OnCatalog func(l *Link, revision uint64, catalog []byte)
	// OnTaken is called when the other end has taken a catalog of this one, with all before it, so that the next may be
	// announced. holds is false if the other end does not hold what the catalog says. It must not block.
	OnTaken func(l *Link, revision uint64, holds bool)
	// Logger takes what concerns the operator, such as panics of handlers. Default slog.Default().
	Logger *slog.Logger
	// Limits bound what this end holds for the other. Zero fields mean their defaults.
	Limits Limits
	// Unagreed makes the link one with a stranger, whoever that has proven to be, until [Link.Agree]: one call of the other
	// end at a time, 64 KiB of everything together, and frames of 32 KiB, whatever the Limits say. A call beyond that is
	// refused, and whatever else is beyond it ends the link. Calls of this end are not concerned.
	Unagreed bool
}

// Link is the live stream to another collector. Its methods may be called concurrently.
type Link struct {
	stream   io.Closer
	limits   Limits
	core     *core
	caller   *caller
	server   *server
	live     *liveness
	catalogs *catalogOutbox
	inbox    *catalogInbox
	drain    *drain

	group sync.WaitGroup // the goroutines of the link, handlers aside
	done  chan struct{}  // closed when they have ended
}

// Client makes a link of a stream that this end dialled: both ends prove themselves, bounded by ctx and two seconds, and
// the link starts. On an error, perhaps a [*Refusal], the stream is closed. The link owns the stream.
func Client(ctx context.Context, stream io.ReadWriteCloser, cfg Config) (*Link, error) {
	return newLink(ctx, stream, cfg, true)
}

// Server is [Client] for the end that was dialled.
func Server(ctx context.Context, stream io.ReadWriteCloser, cfg Config) (*Link, error) {
	return newLink(ctx, stream, cfg, false)
}

func newLink(ctx context.Context, stream io.ReadWriteCloser, cfg Config, initiator bool) (*Link, error) {
	cfg.Limits = cfg.Limits.WithDefaults()
	end, err := cfg.Proof.end(frame.Hello{
		CollectorID: cfg.Hello.CollectorID, SessionID: cfg.Hello.SessionID, Window: firstWindow, MaxMessage: cfg.Limits.MaxMessage,
	}, initiator)
	if err != nil {
		stream.Close()
		return nil, err
	}
	socket.BoundUnsent(stream)
	frames := frame.NewReader(stream, func(int) {})
	said, err := handshake.Greet(ctx, stream, frames, end)
	if err != nil {
		return nil, refusalOf(err)
	}
	to := socket.Below(stream)
	l := &Link{
		stream: stream, limits: cfg.Limits, done: make(chan struct{}),
		core: newCore(cfg.Proof.helloOf(said), said, cfg.Limits, initiator, socket.Vectored(to)),
	}
	l.assemble(cfg)
	l.start(frames, to, cfg)
	return l, nil
}

// assemble gives the link its parts.
func (l *Link) assemble(cfg Config) {
	c := l.core
	c.end.explain, c.end.release = l.explain, l.release
	handler := cfg.Handler
	if handler == nil {
		handler = unimplemented
	}
	l.caller = newCaller(c)
	l.server = newServer(c, handler, cmp.Or(cfg.Logger, slog.Default()), cfg.Limits.MaxCalls)
	l.live = newLiveness(c.out, c.end.fail, l.tidy)
	l.catalogs = newCatalogOutbox(c)
	l.inbox = &catalogInbox{spawn: l.group.Go, account: &c.receiver.account, out: c.out}
	if cfg.OnCatalog != nil {
		l.inbox.deliver = func(revision uint64, catalog []byte) { cfg.OnCatalog(l, revision, catalog) }
	}
	if cfg.OnTaken != nil {
		l.catalogs.taken = func(revision uint64, holds bool) { cfg.OnTaken(l, revision, holds) }
	}
	l.drain = &drain{core: c, caller: l.caller, server: l.server}
	if cfg.Unagreed {
		c.stranger.Store(true)
		c.bound(Limits{MaxHeld: unagreedBytes, MaxQueued: unagreedQueue})
		l.server.table.allow(1)
	}
}

// start runs the goroutines of the link.
func (l *Link) start(frames *frame.Reader, to io.Writer, cfg Config) {
	named := func(n frame.Name) *target {
		return newTarget(n, &ServerInfo{Namespace: n.Namespace, Caller: n.Caller, Link: l})
	}
	r := &reader{core: l.core, caller: l.caller, server: l.server, live: l.live, catalog: l.inbox, told: l.catalogs, names: frame.NewReceivedNames(named)}
	w := outbox.NewWriter(to, l.core.out, l.live)
	frames.OnRead = l.live.heard
	if cfg.Unagreed {
		frames.Narrow(func() bool { return !l.core.stranger.Load() })
	}
	l.group.Go(func() { l.core.end.fail(r.loop(frames)) })
	l.group.Go(func() { l.core.end.fail(w.Loop()) })
	l.live.start()
	go func() {
		l.group.Wait()
		close(l.done)
	}()
}

// Agree ends what [Config.Unagreed] began: from now on the Limits hold. It does not wait for anything.
func (l *Link) Agree() {
	l.core.bound(l.limits)
	l.server.table.allow(l.limits.MaxCalls)
	l.core.stranger.Store(false)
}

// Transport returns a [connect.Transport] whose calls go over the link, in namespace, as binary protobuf.
func (l *Link) Transport(namespace string) connect.Transport { return transport{l.caller, namespace} }

// Open opens a call. Request headers are taken from the client [connect.CallInfo] of ctx when the first message is
// sent; response headers and trailers are put there. The deadline of ctx crosses as remaining time. Nothing is sent
// before the first SendHeaders, Send or CloseSend; a unary request leaves as one frame.
func (l *Link) Open(ctx context.Context, call Call) (connect.ClientStream, error) {
	return l.caller.open(ctx, call)
}

// Announce sends a catalog of this end. It returns when the writer has all of it. Revisions order announcements and must
// grow. Until [Config.OnTaken] tells that the other end has taken the last one it is refused, but for one more that has at
// most 64 bytes.
func (l *Link) Announce(revision uint64, catalog []byte) error {
	return l.catalogs.announce(revision, catalog)
}

// Taken tells the other end that this one is done with a catalog that [Config.OnCatalog] got, and those before it: it may
// announce the next. holds is whether this end holds now what the catalog says; if not, the other may have to say more.
func (l *Link) Taken(revision uint64, holds bool) { l.inbox.take(revision, holds) }

// Drain ends the link in order: it tells the other end to open nothing new, lets running calls of both ends finish,
// and then closes the link. Calls that the other end had on the way fail there as surely not executed. This end may
// open calls as long as others run, as their handlers may need that. When ctx ends first, the link is closed with
// calls in flight and the context's error is returned.
func (l *Link) Drain(ctx context.Context) error {
	err := l.drain.run(ctx)
	l.core.end.fail(ErrDrained)
	<-l.done
	return err
}

// Peer is what the other end said of itself. That it has the key is proven, and that it knows the secret; that the key is
// the one of that collector id is for [Proof.Accept] to know. It must not be changed.
func (l *Link) Peer() Hello { return l.core.peer }

// Initiator reports whether this end dialled.
func (l *Link) Initiator() bool { return l.core.initiator }

// RTT is the round trip of the last ping, 0 before the first.
func (l *Link) RTT() time.Duration { return time.Duration(l.live.rtt.Load()) }

// InFlight is how many calls run on the link, of both ends.
func (l *Link) InFlight() int { return l.caller.calls.len() + l.server.table.len() }

// Done is closed when the link is over and its reader and writer have ended. Handlers may still be returning.
func (l *Link) Done() <-chan struct{} { return l.done }

// Err is why the link is over; nil before.
func (l *Link) Err() error { return l.core.end.err() }

// Close ends the link at once and waits for its reader and writer. Calls in flight fail with unavailable. The reason
// is in [Link.Err] with [ErrClosed].
func (l *Link) Close(reason string) error {
	l.core.end.fail(fmt.Errorf("%w: %s", ErrClosed, reason))
	<-l.done
	return nil
}

// tidy drops what an idle link does not need.
func (l *Link) tidy() {
	l.server.handlers.TrimHalf()
	l.core.out.Shrink()
	l.caller.calls.shrink()
	l.server.table.shrink()
}

// explain turns the end of the stream after a GOAWAY into the orderly end that it is.
func (l *Link) explain(err error) error {
	away, done := l.caller.calls.parting()
	if done || (errors.Is(err, io.EOF) && (away || l.server.table.draining())) {
		return ErrDrained
	}
	return err
}

// release ends all that runs on the link, which is over for the reason.
func (l *Link) release(reason error) {
	l.live.stop()
	l.caller.close(l.core.out.Seal(), reason)
	l.server.close()
	l.stream.Close() // the last: under TLS it may take seconds to say goodbye
}

// Wrapper is a stream around a connection that leaves what is written as it is, and need not see it. A link writes to
// the connection itself: a socket takes several pieces in one system call.
type Wrapper interface {
	// Unwrap returns the connection, the same each time.
	Unwrap() net.Conn
}
