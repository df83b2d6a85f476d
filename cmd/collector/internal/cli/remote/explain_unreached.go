package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// explainUnreached is for when nobody answered.
func (e *explainer) explainUnreached(ctx context.Context, err error) *failure.Error {
	f := &failure.Error{Exit: failure.ExitUnreached, Code: failure.CodeUnreachable}
	f.What = fmt.Sprintf("no collector answers at %s", e.way)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Why = []string{"connection refused: nothing listens there"}
		return f.Hint("collector serve          # start one", "collector context ls     # or ask another")
	case isCertificate(err):
		f.What = fmt.Sprintf("the certificate of %s is not trusted", e.way.base.Host)
		f.Why = []string{RootCause(err)}
		return f.Hint("--cacert FILE names the authority to trust")
	case connect.CodeOf(err) == connect.CodeDeadlineExceeded:
		f.Why = []string{fmt.Sprintf("no answer within --timeout %v", e.timeout)}
		return f.Hint("check the address, or allow more with --timeout")
	}
	hungUp := isHangUp(err)
	if hungUp {
		e.recorded.heard.probe(ctx, hostPort(e.way.base))
	}
	if spoken := e.recorded.heard.speaker(hostPort(e.way.base)); spoken != speaksNothing && spoken != e.speaks() {
		return e.explainSpeaker(f, spoken, err)
	}
	f.Why = []string{RootCause(err)}
	if hungUp {
		f.Why = []string{"it closed the connection without an answer"}
	}
	return f.Hint(otherAddress)
}

// otherAddress is what to do about an address that has no collector.
const otherAddress = "check the address: -s URL, COLLECTOR_URL or collector context ls"

// notEstablished is what net/http says of a connection that ended between its first byte and its first request. It has no
// name for that error.
const notEstablished = "http2: client conn could not be established"

var hangUps = []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE}

// isHangUp tells that a connection was there and ended.
func isHangUp(err error) bool {
	return strings.Contains(err.Error(), notEstablished) ||
		slices.ContainsFunc(hangUps, func(known error) bool { return errors.Is(err, known) })
}

// speaks is what this end speaks first.
func (e *explainer) speaks() speaker {
	switch {
	case e.way.base.Scheme == "https":
		return speaksTLS
	case e.recorded.next.Protocols.UnencryptedHTTP2():
		return speaksHTTP2
	}
	return speaksHTTP1
}

// explainSpeaker is for when something answered in another protocol than it was asked in.
func (e *explainer) explainSpeaker(f *failure.Error, spoken speaker, err error) *failure.Error {
	switch spoken {
	case speaksHTTP1:
		f.What = fmt.Sprintf("%s speaks plain HTTP, not TLS", e.way.base.Host)
		if e.way.base.Scheme == "http" {
			f.What = fmt.Sprintf("%s speaks HTTP/1 only, and gRPC needs HTTP/2", e.way.base.Host)
			return f.Hint("collector status -s " + e.way.base.String() + " --protocol connect")
		}
		return f.Hint("collector status -s " + withScheme(e.way.base, "http"))
	case speaksTLS:
		f.What = fmt.Sprintf("%s speaks TLS, not plain HTTP", e.way.base.Host)
		return f.Hint("collector status -s " + withScheme(e.way.base, "https"))
	case speaksHTTP2:
		f.What = fmt.Sprintf("%s speaks HTTP/2 without TLS only", e.way.base.Host)
		return f.Hint("collector status -s " + withScheme(e.way.base, "http") + " --protocol grpc     # which is spoken over HTTP/2")
	case speaksOther:
		f.What = fmt.Sprintf("what answers at %s does not speak HTTP", e.way.base.Host)
		f.Why = []string{RootCause(err)}
	default:
		f.What = fmt.Sprintf("%s speaks %s, it is no collector", e.way.base.Host, spoken)
	}
	return f.Hint(otherAddress)
}

// explainStranger is for when something else than a collector answered.
func (e *explainer) explainStranger(seen *answer) *failure.Error {
	f := &failure.Error{Exit: failure.ExitUnreached, Code: failure.CodeUnreachable}
	if seen.wantsTLS() {
		f.What = fmt.Sprintf("%s speaks TLS, not plain HTTP", e.way.base.Host)
		return f.Hint("collector status -s " + withScheme(e.way.base, "https"))
	}
	f.What = fmt.Sprintf("what answers at %s is not a collector", e.way.base)
	f.Why = []string{fmt.Sprintf("HTTP %s, content type %q, server %q", seen.status, seen.contentType, seen.server)}
	return f.Hint(otherAddress)
}
