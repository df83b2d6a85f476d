package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
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
		return s.throughProxy(s.explainUnreached(err), err)
	case seen != nil && !seen.isRPC():
		return s.throughProxy(s.explainStranger(seen), err)
	case seen == nil:
		return s.throughProxy(s.explainVerdict(err), err)
	}
	return s.explainVerdict(err)
}

// explainUnreached is for when nobody answered.
func (s *session) explainUnreached(err error) *failure {
	f := &failure{exit: exitUnreached, code: "unreachable"}
	f.what = fmt.Sprintf("no collector answers at %s", s.base)
	switch {
	case isHTTPSToPlain(err):
		f.what = fmt.Sprintf("%s speaks plain HTTP, not TLS", s.base.Host)
		return f.hint("collector status -s " + s.withScheme("http"))
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
	f.why = []string{rootCause(err)}
	return f.hint("check the address: -s URL, COLLECTOR_URL or collector context ls")
}

// explainStranger is for when something else than a collector answered.
func (s *session) explainStranger(seen *answer) *failure {
	f := &failure{exit: exitUnreached, code: "unreachable"}
	if strings.Contains(seen.beginning, "HTTP request to an HTTPS server") {
		f.what = fmt.Sprintf("%s speaks TLS, not plain HTTP", s.base.Host)
		return f.hint("collector status -s " + s.withScheme("https"))
	}
	f.what = fmt.Sprintf("what answers at %s is not a collector", s.base)
	f.why = []string{fmt.Sprintf("HTTP %s, content type %q, server %q", seen.status, seen.contentType, seen.server)}
	return f.hint("check the address: -s URL, COLLECTOR_URL or collector context ls")
}

// explainVerdict is for an RPC error.
func (s *session) explainVerdict(err error) *failure {
	code := connect.CodeOf(err)
	f := &failure{exit: exitOfCode(code), code: code.String(), what: code.String()}
	if verdict, ok := errors.AsType[*connect.Error](err); ok {
		if verdict.Message() != "" {
			f.what = verdict.Message()
		}
		f.addDetails(verdict)
	}
	if code == connect.CodeDeadlineExceeded {
		f.why = append(f.why, fmt.Sprintf("after %s, with --timeout %v", duration(time.Since(s.started)), s.app.flags.timeout))
		f.hint("allow more with --timeout")
	}
	if code == connect.CodeUnauthenticated {
		f.hint("-H 'Authorization: Bearer …'")
	}
	return f
}

// addDetails takes over what a collector tells about a failure of the mesh.
func (f *failure) addDetails(verdict *connect.Error) {
	for _, detail := range verdict.Details() {
		message, err := connectproto.UnmarshalErrorDetail(detail)
		if err != nil {
			continue // a type from elsewhere
		}
		switch detail := message.(type) {
		case *meshv1.CallFailure:
			f.addCallFailure(detail)
		case *collector.SchemaReport:
			f.report = detail
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

func isHTTPSToPlain(err error) bool {
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
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
