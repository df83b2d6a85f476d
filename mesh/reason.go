package mesh

import (
	"errors"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Reason is the stable word for why a call failed, for programs. [Reasons] says what each means.
type Reason string

// The reasons, in the order in which a call can meet them. The descriptions are those of [Reasons].
const (
	ReasonUnauthenticated     Reason = "unauthenticated"
	ReasonPolicyDenied        Reason = "policy_denied"
	ReasonRateLimited         Reason = "rate_limited"
	ReasonInvalidRequest      Reason = "invalid_request"
	ReasonNamespaceConflict   Reason = "namespace_conflict"
	ReasonCredentialsRepeated Reason = "credentials_repeated"
	ReasonTokenMalformed      Reason = "token_malformed"
	ReasonTokenTooLarge       Reason = "token_too_large"
	ReasonTokenAlgorithm      Reason = "token_algorithm"
	ReasonTokenIssuer         Reason = "token_issuer"
	ReasonTokenSignature      Reason = "token_signature"
	ReasonTokenAudience       Reason = "token_audience"
	ReasonTokenExpired        Reason = "token_expired"
	ReasonTokenNotYetValid    Reason = "token_not_yet_valid"
	ReasonKeysUnavailable     Reason = "keys_unavailable"
	ReasonKeyUnknown          Reason = "key_unknown"
	ReasonCertificateIdentity Reason = "certificate_identity"
	ReasonCertificateExpired  Reason = "certificate_expired"
	ReasonSocketIdentity      Reason = "socket_identity"
	ReasonNamespaceUnknown    Reason = "namespace_unknown"
	ReasonNamespaceAmbiguous  Reason = "namespace_ambiguous"
	ReasonServiceAmbiguous    Reason = "service_ambiguous"
	ReasonMethodUnknown       Reason = "method_unknown"
	ReasonNotUnary            Reason = "not_unary"
	ReasonTargetUnknown       Reason = "target_unknown"
	ReasonTargetNotServing    Reason = "target_not_serving"
	ReasonUnreachable         Reason = "unreachable"
	ReasonSchemaIncompatible  Reason = "schema_incompatible"
	ReasonNotRegistered       Reason = "not_registered"
	ReasonInputType           Reason = "input_type"
	ReasonInputMalformed      Reason = "input_malformed"
	ReasonInputInvalid        Reason = "input_invalid"
	ReasonTooLarge            Reason = "too_large"
	ReasonOverloaded          Reason = "overloaded"
	ReasonLinkDown            Reason = "link_down"
	ReasonLinkLost            Reason = "link_lost"
	ReasonDeadline            Reason = "deadline"
	ReasonCanceled            Reason = "canceled"
	ReasonHandlerPanic        Reason = "handler_panic"
	ReasonHandlerError        Reason = "handler_error"
)

// The reasons for which collectors do not connect with each other: in the Status of Connect's answer.
const (
	ReasonDuplicateLink Reason = "duplicate_link"
	ReasonDisconnected  Reason = "disconnected"
	ReasonIdInUse       Reason = "id_in_use"
	ReasonKeyChanged    Reason = "key_changed"
	ReasonMeshSecret    Reason = "mesh_secret"
	ReasonLocalOnly     Reason = "local_only"
)

// Author is who decided that a call fails.
type Author string

// The authors.
const (
	// AuthorPolicy is the policy of the collector where the call entered, or of the one that was to run it.
	AuthorPolicy Author = "policy"
	// AuthorRouter is the collector where the call entered: nobody was asked to run it.
	AuthorRouter Author = "router"
	// AuthorExecutor is the collector that was to run the call, before its handler or around it.
	AuthorExecutor Author = "executor"
	// AuthorLink is what is between the two.
	AuthorLink Author = "link"
	// AuthorCaller is the caller, by a deadline or by going away.
	AuthorCaller Author = "caller"
	// AuthorHandler is the handler, whose error is its own.
	AuthorHandler Author = "handler"
)

// Description says what a [Reason] stands for.
type Description struct {
	// Reason is the word that is described.
	Reason Reason
	// Author is who failed the call.
	Author Author
	// Codes are the codes that the error can have, the usual one first; none for the code that a handler or a registry chose.
	Codes []connect.Code
	// Ran is whether the handler may have run.
	Ran bool
	// Transient is whether the same call may succeed later without anybody changing it, its handler or a schema.
	Transient bool
	// Meaning is a sentence for people.
	Meaning string
}

// Reasons describes every reason, in the order of the constants. The result is shared: it must not be changed.
func Reasons() []Description { return descriptions }

func codes(codes ...connect.Code) []connect.Code { return codes }

var descriptions = []Description{
	{ReasonUnauthenticated, AuthorPolicy, codes(connect.CodeUnauthenticated), false, false,
		"The caller has not said who it is where anonymous callers may not do this, or what it shows of itself is not valid."},
	{ReasonPolicyDenied, AuthorPolicy, codes(connect.CodePermissionDenied), false, false,
		"The policy does not let this caller do this, where the call entered or where it was to run."},
	{ReasonRateLimited, AuthorPolicy, codes(connect.CodeResourceExhausted), false, true,
		"The caller has called more often than the policy lets it; RetryInfo in the details says when to call again."},
	{ReasonInvalidRequest, AuthorRouter, codes(connect.CodeInvalidArgument, connect.CodeUnimplemented), false, false,
		"The request lacks a name, has one that cannot be, or does not keep to its protocol."},
	{ReasonNamespaceConflict, AuthorRouter, codes(connect.CodeInvalidArgument), false, false,
		"The request names two namespaces, such as one in its path and another one in its header."},
	{ReasonCredentialsRepeated, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"A header that says who calls was sent more than once, or what was shown names several callers."},
	{ReasonTokenMalformed, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"What was sent as a bearer token is no signed JWT, or lacks a claim that is needed."},
	{ReasonTokenTooLarge, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The bearer token is longer than 8 KiB."},
	{ReasonTokenAlgorithm, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The token is signed with an algorithm that is not taken: with none, or with a shared secret."},
	{ReasonTokenIssuer, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The token is of an issuer that the collector does not trust."},
	{ReasonTokenSignature, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The token is signed with no key of its issuer."},
	{ReasonTokenAudience, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The token was made for somebody else."},
	{ReasonTokenExpired, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The token has expired, or the clocks of the issuer and the collector differ."},
	{ReasonTokenNotYetValid, AuthorRouter, codes(connect.CodeUnauthenticated), false, true,
		"The token is valid later only, or the clocks of the issuer and the collector differ."},
	{ReasonKeysUnavailable, AuthorRouter, codes(connect.CodeUnavailable), false, true,
		"The keys of the token's issuer could not be read yet, so that no token of it can be verified."},
	{ReasonKeyUnknown, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The API key is not one that the collector knows, or not any more."},
	{ReasonCertificateIdentity, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The client certificate names nobody of the trust domain."},
	{ReasonCertificateExpired, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The client certificate has expired since the connection began."},
	{ReasonSocketIdentity, AuthorRouter, codes(connect.CodeUnauthenticated), false, false,
		"The process at the other end of the socket is of another user, or the kernel does not say whose it is."},
	{ReasonNamespaceUnknown, AuthorRouter, codes(connect.CodeNotFound, connect.CodePermissionDenied), false, false,
		"The collector has no such namespace, or does not share it with the one that asks."},
	{ReasonNamespaceAmbiguous, AuthorRouter, codes(connect.CodeFailedPrecondition), false, false,
		"The call names no namespace and the method is served in several."},
	{ReasonServiceAmbiguous, AuthorRouter, codes(connect.CodeInvalidArgument), false, false,
		"The short name of the service stands for several services of the namespace."},
	{ReasonMethodUnknown, AuthorRouter, codes(connect.CodeUnimplemented), false, false,
		"Nobody in the mesh serves such a method, or not any more."},
	{ReasonNotUnary, AuthorRouter, codes(connect.CodeUnimplemented), false, false,
		"The method streams, and an envelope carries one message each way."},
	{ReasonTargetUnknown, AuthorRouter, codes(connect.CodeNotFound), false, false,
		"The collector has no connection to the one that is to run the call."},
	{ReasonTargetNotServing, AuthorRouter, codes(connect.CodeUnimplemented), false, false,
		"The collector that is to run the call does not serve the method."},
	{ReasonUnreachable, AuthorRouter, codes(connect.CodeUnavailable), false, true,
		"Nobody who serves the method, or may serve it, can be reached now."},
	{ReasonSchemaIncompatible, AuthorRouter, codes(connect.CodeFailedPrecondition, connect.CodeUnavailable), false, false,
		"The schemas of the two ends are not compatible; unavailable while they could not be compared yet."},
	{ReasonNotRegistered, AuthorExecutor, nil, false, false,
		"The registry of the executor does not allow the method: not_found, or the code of the registry's own error."},
	{ReasonInputType, AuthorExecutor, codes(connect.CodeInvalidArgument), false, false,
		"The request message is not of the type that the method takes."},
	{ReasonInputMalformed, AuthorExecutor, codes(connect.CodeInvalidArgument), false, false,
		"The request message does not decode."},
	{ReasonInputInvalid, AuthorExecutor, codes(connect.CodeInvalidArgument), false, false,
		"The request message breaks a rule of its schema, as protovalidate reads it; see the module rules."},
	{ReasonTooLarge, AuthorExecutor, codes(connect.CodeResourceExhausted), true, false,
		"A message or the headers are larger than the limit. Only an answer that is too large comes after the handler ran."},
	{ReasonOverloaded, AuthorExecutor, codes(connect.CodeResourceExhausted), false, true,
		"The executor, and each other collector that was tried, runs as many calls as it takes: the handler did not run."},
	{ReasonLinkDown, AuthorLink, codes(connect.CodeUnavailable), false, true,
		"The link failed before the call had left: the handler did not run."},
	{ReasonLinkLost, AuthorLink, codes(connect.CodeUnavailable), true, true,
		"The link failed after the call had left: the handler may have run."},
	{ReasonDeadline, AuthorCaller, codes(connect.CodeDeadlineExceeded), true, true,
		"The deadline of the call passed."},
	{ReasonCanceled, AuthorCaller, codes(connect.CodeCanceled), true, true,
		"The caller gave the call up."},
	{ReasonHandlerPanic, AuthorExecutor, codes(connect.CodeInternal), true, false,
		"The handler panicked; the log of the executor has the stack."},
	{ReasonHandlerError, AuthorHandler, nil, true, false,
		"The handler answered with an error. It stands in a Status only: elsewhere such an error has no reason."},
	{ReasonDuplicateLink, AuthorLink, codes(connect.CodeAlreadyExists), false, false,
		"The two collectors have a link already, and that one stays."},
	{ReasonDisconnected, AuthorLink, codes(connect.CodeFailedPrecondition), false, false,
		"The connection was closed by hand; only somebody who connects by hand opens it again."},
	{ReasonIdInUse, AuthorLink, codes(connect.CodeAlreadyExists), false, false,
		"Another process is connected under the id of the collector that comes."},
	{ReasonKeyChanged, AuthorLink, codes(connect.CodePermissionDenied), false, false,
		"The id of the collector that comes is known by another key; see collector trust."},
	{ReasonMeshSecret, AuthorLink, codes(connect.CodePermissionDenied), false, false,
		"The mesh has a secret, and the collector that comes has not proved to know it."},
	{ReasonLocalOnly, AuthorLink, codes(connect.CodePermissionDenied), false, false,
		"Links from other machines need a mesh secret or certificates, and the collector has neither."},
}

// ReasonOf is the reason for which the mesh failed a call; empty for an error of a handler, for one that is no failure of
// the mesh, which the end of the caller's own time is not, and for nil.
func ReasonOf(err error) Reason {
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok || coded == nil {
		return ""
	}
	for _, detail := range coded.Details() {
		if detail.Type != "collector.mesh.v1.CallFailure" {
			continue
		}
		message, err := connectproto.UnmarshalErrorDetail(detail)
		if failure, ok := message.(*meshv1.CallFailure); ok && err == nil {
			return Reason(failure.GetReason())
		}
	}
	return ""
}
