package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/socket"
)

// Handler serves a call that the other end opened. It has the shape of [connect.Server.Call]: procedure is the
// leading-slash path, info holds the request headers and takes the response headers and trailers, info.TransportInfo
// is a [*ServerInfo]. The returned error is the verdict of the call. Handlers run concurrently; a panic is logged and
// answered as internal.
type Handler func(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) error

// ServerInfo is the TransportInfo of a served call. It is shared by calls and must not be changed.
type ServerInfo struct {
	// Namespace is the one that the caller named.
	Namespace string
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

// Limits bound what a link holds and how long it waits. A zero field means its default.
type Limits struct {
	// MaxMessage is the largest message accepted, in bytes. Default 4 MiB.
	MaxMessage int
	// MaxCalls is how many calls of the other end may run at once; more get resource_exhausted. Default 4096.
	MaxCalls int
	// MaxQueued is how many bytes may wait to be written; senders of more wait. Default 4 MiB.
	MaxQueued int
	// MaxHeld is how many received bytes may wait for handlers and callers; a call that would exceed it gets
	// resource_exhausted. Default 64 MiB.
	MaxHeld int
	// StallTimeout is how long a message may wait for a receiver that does not read. Default 30 s.
	StallTimeout time.Duration
}

func (l Limits) withDefaults() Limits {
	orDefault(&l.MaxMessage, 4<<20)
	orDefault(&l.MaxCalls, 4096)
	orDefault(&l.MaxQueued, 4<<20)
	orDefault(&l.MaxHeld, 64<<20)
	if l.StallTimeout == 0 {
		l.StallTimeout = 30 * time.Second
	}
	return l
}

func orDefault(v *int, def int) {
	if *v == 0 {
		*v = def
	}
}

// Hello is what an end says of itself.
type Hello struct {
	// CollectorID is the identity of the process.
	CollectorID string
	// SessionID names this run of the process, to tell a restart from a reconnect.
	SessionID string
}

// Config is what an end brings to a link.
type Config struct {
	// Hello introduces this end. Required.
	Hello Hello
	// Handler serves the calls of the other end. Nil answers them all with unimplemented.
	Handler Handler
	// OnCatalog is called with each catalog that the other end announces, one call at a time, and may block: when
	// several arrive meanwhile, only the last is delivered. The bytes are the callee's.
	OnCatalog func(l *Link, revision uint64, catalog []byte)
	// Logger takes what concerns the operator, such as panics of handlers. Default slog.Default().
	Logger *slog.Logger
	// Limits bound what this end holds for the other. Zero fields mean their defaults.
	Limits Limits
}

// Link is the live stream to another collector. Its methods may be called concurrently.
type Link struct {
	stream    io.ReadWriteCloser
	writer    io.Writer // of the stream
	initiator bool
	peer      Hello
	handler   Handler
	log       *slog.Logger
	limits    Limits
	maxSend   int
	window    int // credit of a new call, as the other end said

	out     *outbox
	held    atomic.Int64 // received bytes that nobody has claimed
	extra   creditPool
	calls   callTable
	served  servedTable
	work    workers
	live    liveness
	catalog catalogInbox

	announcing chan struct{} // holds the one that announces: parts of two catalogs must not mix

	over     chan struct{} // closed when the link fails or closes
	done     chan struct{} // closed when its goroutines have ended as well
	failOnce sync.Once
	err      error // why it is over; readable after over
	group    sync.WaitGroup
}

// Client makes a link of a stream that this end dialled: it exchanges HELLOs, bounded by ctx and two seconds, and
// starts the link. On an error the stream is closed. The link owns the stream.
func Client(ctx context.Context, stream io.ReadWriteCloser, cfg Config) (*Link, error) {
	return newLink(ctx, stream, cfg, true)
}

// Server is [Client] for the end that was dialled.
func Server(ctx context.Context, stream io.ReadWriteCloser, cfg Config) (*Link, error) {
	return newLink(ctx, stream, cfg, false)
}

func newLink(ctx context.Context, stream io.ReadWriteCloser, cfg Config, initiator bool) (*Link, error) {
	l := &Link{
		stream:    stream,
		writer:    socket.Below(stream),
		initiator: initiator,
		handler:   cfg.Handler,
		log:       cfg.Logger,
		limits:    cfg.Limits.withDefaults(),
		over:      make(chan struct{}),
		done:      make(chan struct{}),

		announcing: make(chan struct{}, 1),
	}
	if l.handler == nil {
		l.handler = unimplemented
	}
	if l.log == nil {
		l.log = slog.Default()
	}
	socket.BoundUnsent(l.writer)
	l.extra.left.Store(int64(l.limits.MaxHeld / extraShare))
	l.live.base = time.Now()
	frames := frame.NewReader(stream, func(n int) { l.live.heard(n) })
	peer, err := frame.Greet(ctx, stream, frames, frame.Hello{
		CollectorID: cfg.Hello.CollectorID, SessionID: cfg.Hello.SessionID, Window: firstWindow, MaxMessage: l.limits.MaxMessage,
	})
	if err != nil {
		return nil, err
	}
	l.peer = Hello{CollectorID: peer.CollectorID, SessionID: peer.SessionID}
	l.window, l.maxSend = peer.Window, min(peer.MaxMessage, l.limits.MaxMessage)
	l.start(frames, cfg)
	return l, nil
}

func unimplemented(_ context.Context, procedure string, _ *connect.CallInfo, _ connect.ServerStream) error {
	return connect.Errorf(connect.CodeUnimplemented, "procedure %q not registered", procedure)
}

func (l *Link) start(frames *frame.Reader, cfg Config) {
	l.out = newOutbox(l.limits.MaxQueued, socket.Vectored(l.writer))
	l.calls.init(l.initiator)
	l.served.init(l)
	l.work.serve = l.serve
	l.catalog.deliver = cfg.OnCatalog
	frames.OnRead = l.heard
	l.group.Go(func() { l.fail(l.readLoop(frames)) })
	l.group.Go(func() { l.fail(l.writeLoop()) })
	l.live.start(l)
	go func() {
		l.group.Wait()
		close(l.done)
	}()
}

// Peer is what the other end said of itself. It is a claim: whoever needs certainty checks it against the carrier's
// TLS identity.
func (l *Link) Peer() Hello { return l.peer }

// Initiator reports whether this end dialled.
func (l *Link) Initiator() bool { return l.initiator }

// RTT is the round trip of the last ping, 0 before the first.
func (l *Link) RTT() time.Duration { return time.Duration(l.live.rtt.Load()) }

// InFlight is how many calls run on the link, of both ends.
func (l *Link) InFlight() int { return l.calls.len() + l.served.len() }

// Done is closed when the link is over and its reader and writer have ended. Handlers may still be returning.
func (l *Link) Done() <-chan struct{} { return l.done }

// Err is why the link is over; nil before.
func (l *Link) Err() error {
	select {
	case <-l.over:
		return l.err
	default:
		return nil
	}
}

// Close ends the link at once and waits for its reader and writer. Calls in flight fail with unavailable. The reason
// is in [Link.Err] with [ErrClosed].
func (l *Link) Close(reason string) error {
	l.fail(fmt.Errorf("%w: %s", ErrClosed, reason))
	<-l.done
	return nil
}

// fail ends the link. The first error is the one that counts.
func (l *Link) fail(err error) {
	l.failOnce.Do(func() {
		l.err = l.lastWord(err)
		close(l.over)
		l.live.stop()
		l.calls.failAll(l, l.out.seal(), l.err)
		l.served.cancelAll()
		l.work.stop()
		l.stream.Close() // the last: under TLS it may take seconds to say goodbye
	})
}

// lastWord turns the end of the stream after a GOAWAY into the orderly end that it is.
func (l *Link) lastWord(err error) error {
	away, done := l.calls.parting()
	if done || (errors.Is(err, io.EOF) && (away || l.served.draining())) {
		return ErrDrained
	}
	return err
}
