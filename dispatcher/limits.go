package dispatcher

import (
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// Limits bound what a collector takes in. A zero field means its default.
type Limits struct {
	// MessageBytes is the largest message accepted or sent at any entrance. Default 4 MiB.
	MessageBytes int
	// RequestBytes is the largest message accepted from a client at this collector's port, if that is less than what may
	// be answered. Default MessageBytes.
	RequestBytes int
	// DefaultTimeout is the deadline of a unary call that brings none. Default 30 s; negative: such a call has none.
	DefaultTimeout time.Duration
	// MaxTimeout is the longest deadline of a unary call; longer ones are cut. Default 5 min; negative: none is cut.
	MaxTimeout time.Duration
	// OpenTimeout is how long after a start calls that nobody is known to serve wait for the peers of earlier runs, see
	// [Dispatcher.Resume]. Default 2 s; negative: they do not wait.
	OpenTimeout time.Duration
	// Attempts is how often a call is tried, on one peer each, when it surely did not run or may be repeated. Default 3.
	Attempts int
	// MethodCalls is how many calls of one unary method run here at once; more wait for some milliseconds and are refused with
	// resource_exhausted, before they run. Default: all, until more calls only make the others late, and then as many as are
	// answered in time, at least 8. Negative: all.
	MethodCalls int
	// Connections is how many clients may be connected at once. When there are more, the one gives way that has not sent a
	// whole request for longest, else the one whose requests have waited for it longest, for 200 ms at least, else the one
	// that has been without a call longest. When all are busy, more are refused, after 400 ms in which one might stop to be. Default 512.
	Connections int
	// PerAddress is how many of them one address may have, of IPv6 one network of 64 bits, before it is known who its clients
	// are. Addresses of this machine are not counted. Default 64; negative: as many as there are.
	PerAddress int
	// Streams is how many calls one HTTP/2 connection may have at once; more are refused before they run, with
	// REFUSED_STREAM, which clients may repeat. Clients that send before they have read this limit assume about 100.
	// Default 1000.
	Streams int
	// StreamBytes is how much of a request one HTTP/2 stream may have unread. Default 256 KiB.
	StreamBytes int
	// ConnectionBytes is how much of its requests one HTTP/2 connection may have unread, at least 64 KiB. Beyond it the
	// client waits. Default StreamBytes times Streams, so that slow handlers do not stop the others, but at most 64 MiB.
	ConnectionBytes int
	// HeaderBytes is the largest header of a request: its URL, names and values, and 32 for each header, as HTTP/2
	// counts. A request with more is refused alone, with resource_exhausted and, where the protocol shows it, HTTP
	// status 431. HTTP/2 clients are told a limit of 1 MiB, or twice HeaderBytes if that is more, since net/http ends the
	// connection when one header is larger than what they are told. Default 32 KiB.
	HeaderBytes int
	// HeaderTimeout is how long a client may take to send a header, or any frame of HTTP/2. Default 10 s.
	HeaderTimeout time.Duration
	// BodyTimeout is how long a client may pause in sum in the body of a call with one request message, or within a message of
	// a stream, beside a second for each KiB that has come. Between the messages of a stream it may pause. Default 10 s.
	BodyTimeout time.Duration
	// AnswerTimeout is how long a client may leave 32 KiB of an answer, or the rest of it, untaken. Then its stream is reset,
	// and its connection closed if all its calls have ended so. Default 7 s.
	AnswerTimeout time.Duration
	// HeldBytes is how much all requests of this collector hold together: of messages that have come and are not complete or
	// still handled, as they came and without their compression, of large answers that wait to be taken, and of what HTTP/2
	// clients have sent ahead. What is beyond is refused with resource_exhausted. Default a quarter of the memory limit of the
	// process (GOMEMLIMIT), or 512 MiB where there is none.
	HeldBytes int
	// IdleTimeout is how long a connection without a call is kept. Default 2 min.
	IdleTimeout time.Duration
	// CompressionRatio is how many times longer than it came a compressed message of a client may become, beyond 64 KiB. Default
	// 100; negative: any, up to RequestBytes.
	CompressionRatio int
	// SchemaBytes is how much of the schemas of peers is kept, encoded; one namespace of one peer may have an eighth of
	// it. Files that are beyond, and those that import them, are not shown, but calls go through. Comments do not count:
	// there may be as much of them again, a quarter for one namespace of one peer, and what is beyond is left out. Default 32 MiB, and at least 16 files.
	SchemaBytes int
	// SchemaFileBytes is the largest file of a peer's schemas, encoded, without its comments. One that is larger is not
	// shown, nor what imports it. Default 2 MiB.
	SchemaFileBytes int
	// SchemaFields is how many fields, enum values, methods and other declarations such a file may have. Default 50 000,
	// and as many more as SchemaFileBytes is larger than its default.
	SchemaFields int
	// Link bounds the links to other collectors.
	Link link.Limits
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.MessageBytes, 4<<20)
	setDefault(&l.RequestBytes, l.MessageBytes)
	setDefault(&l.DefaultTimeout, 30*time.Second)
	setDefault(&l.MaxTimeout, 5*time.Minute)
	setDefault(&l.OpenTimeout, 2*time.Second)
	setDefault(&l.Attempts, 3)
	setDefault(&l.Connections, 512)
	setDefault(&l.PerAddress, 64)
	setDefault(&l.Streams, 1000)
	setDefault(&l.StreamBytes, 256<<10)
	setDefault(&l.ConnectionBytes, defaultConnectionBytes(l.StreamBytes, l.Streams))
	setDefault(&l.HeaderBytes, 32<<10)
	setDefault(&l.HeaderTimeout, 10*time.Second)
	setDefault(&l.BodyTimeout, 10*time.Second)
	setDefault(&l.AnswerTimeout, 7*time.Second)
	setDefault(&l.HeldBytes, defaultHeldBytes(debug.SetMemoryLimit(-1)))
	setDefault(&l.IdleTimeout, 2*time.Minute)
	setDefault(&l.CompressionRatio, 100)
	setDefault(&l.SchemaFileBytes, descriptor.FileBytes)
	setDefault(&l.SchemaFields, descriptor.FieldsOf(l.SchemaFileBytes))
	setDefault(&l.SchemaBytes, max(32<<20, 16*l.SchemaFileBytes))
	setDefault(&l.Link.MaxMessage, l.MessageBytes)
	l.Link = l.Link.WithDefaults()
	return l
}

// defaultConnectionBytes is enough for all streams of a connection, up to a bound. The product may be too large for an int.
func defaultConnectionBytes(stream, streams int) int {
	const least, most = 64 << 10, 64 << 20
	if streams > most/max(1, stream) {
		return max(most, stream)
	}
	return max(least, stream*streams)
}

// defaultHeldBytes is a quarter of the memory that the process may have, if there is a limit.
func defaultHeldBytes(memory int64) int {
	if memory == math.MaxInt64 {
		return 512 << 20
	}
	return int(max(memory/4, 1<<20))
}

// ingress are those of what comes in at the port.
func (l Limits) ingress() ingress.Limits {
	return ingress.Limits{
		MessageBytes: l.MessageBytes, RequestBytes: l.RequestBytes, HeaderBytes: l.HeaderBytes,
		HeaderTimeout: l.HeaderTimeout, BodyTimeout: l.BodyTimeout, AnswerTimeout: l.AnswerTimeout,
		IdleTimeout: l.IdleTimeout, Connections: l.Connections, PerAddress: l.PerAddress, Streams: l.Streams,
		StreamBytes: l.StreamBytes, ConnectionBytes: l.ConnectionBytes, HeldBytes: l.HeldBytes,
		CompressionRatio: l.CompressionRatio,
	}
}

// schemas are those of the schemas of peers.
func (l Limits) schemas() peerschema.Limits {
	return peerschema.Limits{Bytes: l.SchemaBytes, FileBytes: l.SchemaFileBytes, Fields: l.SchemaFields}
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Map returns every limit by name, with its unit. [Dispatcher.Posture] has it beside those of connections and the registry.
func (l Limits) Map() map[string]string {
	return map[string]string{
		"message":          refusal.Bytes(l.MessageBytes),
		"request message":  refusal.Bytes(l.RequestBytes),
		"default timeout":  timeText(l.DefaultTimeout),
		"max timeout":      timeText(l.MaxTimeout),
		"open timeout":     timeText(l.OpenTimeout),
		"attempts":         strconv.Itoa(l.Attempts),
		"method calls":     methodCallsText(l.MethodCalls),
		"connections":      strconv.Itoa(l.Connections),
		"per address":      countText(l.PerAddress),
		"compression":      countText(l.CompressionRatio) + " : 1",
		"http2 streams":    strconv.Itoa(l.Streams),
		"http2 stream":     refusal.Bytes(l.StreamBytes),
		"http2 connection": refusal.Bytes(l.ConnectionBytes),
		"request header":   refusal.Bytes(l.HeaderBytes),
		"header timeout":   l.HeaderTimeout.String(),
		"body timeout":     l.BodyTimeout.String(),
		"answer timeout":   l.AnswerTimeout.String(),
		"held by requests": refusal.Bytes(l.HeldBytes),
		"idle timeout":     l.IdleTimeout.String(),
		"peers' schemas":   refusal.Bytes(l.SchemaBytes),
		"schema file":      refusal.Bytes(l.SchemaFileBytes),
		"schema fields":    strconv.Itoa(l.SchemaFields),
		"link message":     refusal.Bytes(l.Link.MaxMessage),
		"link calls":       strconv.Itoa(l.Link.MaxCalls),
		"link queue":       refusal.Bytes(l.Link.MaxQueued),
		"held by a link":   refusal.Bytes(l.Link.MaxHeld),
		"link stall":       l.Link.StallTimeout.String(),
		"message nesting":  strconv.Itoa(codec.MaxDepth),
		"repetitions":      fmt.Sprintf("%d %% of calls + %d/s", 10*call.BudgetPerCall, call.BudgetPerSecond/call.BudgetSpent),
	}
}

// connectionTexts are those of the connections with other collectors, named and spelled as those of [Limits.Map].
func connectionTexts(l conn.Limits) map[string]string {
	return map[string]string{
		"links":                      strconv.Itoa(l.Links),
		"unagreed links per address": strconv.Itoa(l.UnagreedPerIP),
		"one-way peers":              strconv.Itoa(l.OneWay),
		"connects without link":      strconv.Itoa(l.Linkless) + "/s",
		"methods of peers":           strconv.Itoa(l.CatalogMethods),
		"dead connections":           strconv.Itoa(l.Dead),
	}
}

func countText(n int) string {
	if n < 0 {
		return "all"
	}
	return strconv.Itoa(n)
}

func methodCallsText(n int) string {
	if n == 0 {
		return "as many as are in time"
	}
	return countText(n)
}

func timeText(d time.Duration) string {
	if d < 0 {
		return "none"
	}
	return d.String()
}

func (l Limits) timeouts() call.Timeouts {
	return call.Timeouts{Unset: l.DefaultTimeout, Most: l.MaxTimeout}
}
