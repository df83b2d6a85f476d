package ingress

import (
	"log/slog"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/exchange"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/held"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/inflate"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/place"
)

// Limits bound what comes in at a port. All of them are set: package dispatcher has their contract and their defaults.
type Limits struct {
	MessageBytes, RequestBytes, HeaderBytes int // of one message that is sent, one that is taken, and all headers of a request
	HeaderTimeout, BodyTimeout              time.Duration
	AnswerTimeout, IdleTimeout              time.Duration
	Connections, PerAddress, Streams        int // at once: on the listener, of one address there, and on one connection of HTTP/2
	StreamBytes, ConnectionBytes            int // of requests that nobody has read yet
	HeldBytes                               int // of all requests together
	CompressionRatio                        int // of one message
}

// Port is the way into one collector over HTTP. Its methods are safe for concurrent use.
type Port struct {
	// RefusedCertificate is told of each client whose certificate TLS has refused, and whether for its times. Nil: nobody is. It is
	// set before the first server is made, and called concurrently.
	RefusedCertificate func(remote string, outOfTime bool)

	limits  Limits
	self    string // the collector's id
	log     *slog.Logger
	errors  *connecthttp.ErrorWriter
	refused func(r *http.Request, procedure string, err error)
	held    *held.Budget
	gzip    connect.Compressor
	rules   exchange.Rules

	underway underway
}

// NewPort makes the port of the collector self. refused is told of each request that is refused as a call: its
// procedure, as far as its path may be one, and the error that its client gets.
func NewPort(self string, limits Limits, log *slog.Logger, refused func(r *http.Request, procedure string, err error)) *Port {
	p := &Port{limits: limits, self: self, log: log, refused: refused, held: held.New(int64(limits.HeldBytes)), gzip: inflate.New(limits.CompressionRatio)}
	p.underway.open = make(map[*place.Place]struct{})
	p.underway.busy.none, p.underway.staying.none = make(chan struct{}, 1), make(chan struct{}, 1)
	p.rules = exchange.Rules{Body: limits.BodyTimeout, Answer: limits.AnswerTimeout, Held: p.held, Of: connectionOf}
	p.errors = connecthttp.NewErrorWriter(p.Options()...)
	return p
}

// compressMinBytes is the smallest message that an answer has compressed, if the client takes that. A packet holds some
// 1400 bytes, so packing less saves no packet, and setting up gzip for an answer of 60 bytes took a tenth of a
// collector's CPU and made it longer. What clients send may be compressed whatever its size.
const compressMinBytes = 1 << 10

// Options returns those of everything that is mounted, with more codecs in place of those of their names.
func (p *Port) Options(more ...connect.Codec) []connecthttp.Option {
	return []connecthttp.Option{
		connecthttp.WithCodecs(append(more, codec.New()...)...),
		connecthttp.WithReadMaxBytes(p.limits.RequestBytes),
		connecthttp.WithSendMaxBytes(p.limits.MessageBytes),
		connecthttp.WithCompressors(p.gzip),
		connecthttp.WithCompressMinBytes(compressMinBytes),
	}
}
