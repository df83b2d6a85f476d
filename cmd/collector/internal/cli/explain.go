package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/status"
)

// explain makes a failure of an error that an RPC of the session ended with. parent is the command's context, without
// the timeout. It says only what is proven: by the error, or by what the other end answered.
func (s *session) explain(parent context.Context, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if parent.Err() != nil {
		return &failure{exit: exitInterrupted, code: "canceled", what: "interrupted"}
	}
	seen := s.witness.answered()
	late := connect.CodeOf(err) == connect.CodeDeadlineExceeded && s.witness.connected.Load()
	switch {
	case seen == nil && !late:
		return s.throughProxy(s.explainUnreached(parent, err), err)
	case seen != nil && !seen.isRPC():
		return s.throughProxy(s.explainStranger(seen), err)
	case seen == nil:
		return s.throughProxy(s.explainVerdict(err), err)
	}
	return s.explainVerdict(err)
}

// explainUnreached is for when nobody answered.
func (s *session) explainUnreached(ctx context.Context, err error) *failure {
	f := &failure{exit: exitUnreached, code: "unreachable"}
	f.what = fmt.Sprintf("no collector answers at %s", s.base)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		f.why = []string{"connection refused: nothing listens there"}
		return f.hint("collector serve          # start one", "collector context ls     # or ask another")
	case isCertificate(err):
		f.what = fmt.Sprintf("the certificate of %s is not trusted", s.base.Host)
		f.why = []string{rootCause(err)}
		return f.hint("--cacert FILE names the authority to trust")
	case connect.CodeOf(err) == connect.CodeDeadlineExceeded:
		f.why = []string{fmt.Sprintf("no answer within --timeout %v", s.app.flags.timeout)}
		return f.hint("check the address, or allow more with --timeout")
	}
	hungUp := isHangUp(err)
	if hungUp {
		s.witness.heard.probe(ctx, s.hostPort())
	}
	if spoken := s.witness.heard.speaker(s.hostPort()); spoken != speaksNothing && spoken != s.speaks() {
		return s.explainSpeaker(f, spoken, err)
	}
	f.why = []string{rootCause(err)}
	if hungUp {
		f.why = []string{"it closed the connection without an answer"}
	}
	return f.hint(otherAddress)
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

// hostPort is the address that is dialled unless a proxy is.
func (s *session) hostPort() string {
	port := s.base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[s.base.Scheme]
	}
	return net.JoinHostPort(s.base.Hostname(), port)
}

// speaks is what this end speaks first.
func (s *session) speaks() speaker {
	switch {
	case s.base.Scheme == "https":
		return speaksTLS
	case s.witness.next.Protocols.UnencryptedHTTP2():
		return speaksHTTP2
	}
	return speaksHTTP1
}

// explainSpeaker is for when something answered in another protocol than it was asked in.
func (s *session) explainSpeaker(f *failure, spoken speaker, err error) *failure {
	switch spoken {
	case speaksHTTP1:
		f.what = fmt.Sprintf("%s speaks plain HTTP, not TLS", s.base.Host)
		if s.base.Scheme == "http" {
			f.what = fmt.Sprintf("%s speaks HTTP/1 only, and gRPC needs HTTP/2", s.base.Host)
			return f.hint("collector status -s " + s.base.String() + " --protocol connect")
		}
		return f.hint("collector status -s " + s.withScheme("http"))
	case speaksTLS:
		f.what = fmt.Sprintf("%s speaks TLS, not plain HTTP", s.base.Host)
		return f.hint("collector status -s " + s.withScheme("https"))
	case speaksHTTP2:
		f.what = fmt.Sprintf("%s speaks HTTP/2 without TLS only", s.base.Host)
		return f.hint("collector status -s " + s.withScheme("http") + " --protocol grpc     # which is spoken over HTTP/2")
	case speaksOther:
		f.what = fmt.Sprintf("what answers at %s does not speak HTTP", s.base.Host)
		f.why = []string{rootCause(err)}
	default:
		f.what = fmt.Sprintf("%s speaks %s, it is no collector", s.base.Host, spoken)
	}
	return f.hint(otherAddress)
}

// explainStranger is for when something else than a collector answered.
func (s *session) explainStranger(seen *answer) *failure {
	f := &failure{exit: exitUnreached, code: "unreachable"}
	if seen.wantsTLS() {
		f.what = fmt.Sprintf("%s speaks TLS, not plain HTTP", s.base.Host)
		return f.hint("collector status -s " + s.withScheme("https"))
	}
	f.what = fmt.Sprintf("what answers at %s is not a collector", s.base)
	f.why = []string{fmt.Sprintf("HTTP %s, content type %q, server %q", seen.status, seen.contentType, seen.server)}
	return f.hint(otherAddress)
}

// explainVerdict is for an RPC error.
func (s *session) explainVerdict(err error) *failure {
	code := connect.CodeOf(err)
	f := &failure{exit: exitOfCode(code), code: code.String(), what: code.String()}
	if verdict, ok := errors.AsType[*connect.Error](err); ok {
		if verdict.Message() != "" {
			f.what = verdict.Message()
		}
		f.addDetails(verdict, s.known)
	}
	if code == connect.CodeDeadlineExceeded {
		f.explainDeadline(time.Since(s.started), s.app.flags.timeout)
	}
	if code == connect.CodeUnauthenticated {
		f.hint("-H 'Authorization: Bearer …'")
	}
	return f
}

// explainDeadline tells whose limit it was: --timeout, or one on the way.
func (f *failure) explainDeadline(took, timeout time.Duration) {
	if timeout > 0 && took >= timeout {
		f.why = append(f.why, fmt.Sprintf("after %s, with --timeout %v", duration(took), timeout))
		f.hint("allow more with --timeout")
		return
	}
	f.why = append(f.why, fmt.Sprintf("after %s, which is not the limit of --timeout %v: the collector or the method has one of its own", duration(took), timeout))
	f.hint("collector status --json     # limits: default timeout, max timeout")
}

// explainHandled is for an RPC error of a call that is known to have come to a collector.
func (s *session) explainHandled(err error, route []string) *failure {
	f := s.explainVerdict(err)
	if f.route == nil {
		f.route = route
	}
	if f.details == nil { // the mesh would have said so
		f.details = map[string]string{status.CodeKey: f.code, status.ReasonKey: "handler_error", "route": strings.Join(route, ",")}
		f.addReason("handler_error")
	}
	return f
}

// addReason says a stable word in words.
func (f *failure) addReason(reason string) {
	if reason != "" {
		f.why = append(f.why, "reason "+strings.ReplaceAll(reason, "_", " "))
	}
}

// addDetails takes over what a collector tells about a failure of the mesh, and shows what a handler says about its own.
func (f *failure) addDetails(verdict *connect.Error, known *schema) {
	for _, detail := range verdict.Details() {
		message, err := connectproto.UnmarshalErrorDetail(detail)
		if err != nil {
			message = nil // a type from elsewhere
		}
		switch own := message.(type) {
		case *meshv1.CallFailure:
			f.addCallFailure(own)
		case *collector.SchemaReport:
			f.report = own
		default:
			f.messages = append(f.messages, decodeDetail(detail, known))
		}
	}
}

func (f *failure) addCallFailure(failed *meshv1.CallFailure) {
	f.route = failed.GetRoute()
	f.details = map[string]string{"reason": failed.GetReason()}
	if len(f.route) > 1 {
		f.why = append(f.why, "route "+arrows(f.route))
	}
	if failed.GetMaybeExecuted() {
		f.details["maybe_executed"] = "true"
		f.why = append(f.why, "the method may have run")
	}
	f.addCandidates(failed.GetCandidates())
	if more := failed.GetOmittedCandidates(); more > 0 {
		f.why = append(f.why, fmt.Sprintf("and %d more; collector route lists all", more))
	}
}

// addCandidates tells of each collector why it did not take the call.
func (f *failure) addCandidates(candidates []*meshv1.Candidate) {
	for _, candidate := range candidates {
		f.why = append(f.why, candidate.GetCollectorId()+": "+candidate.GetReason())
	}
}

func arrows(route []string) string { return strings.Join(route, " → ") }

// withScheme is the session's URL with another scheme.
func (s *session) withScheme(scheme string) string {
	other := *s.base
	other.Scheme = scheme
	return other.String()
}

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// rootCause is the innermost text that a network error has, without the layers around it.
func rootCause(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Error()
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return bad.Err.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Error()
	}
	if verdict, ok := errors.AsType[*connect.Error](err); ok && verdict.Message() != "" {
		return verdict.Message()
	}
	return err.Error()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
