// @generated from the Go package mesh by internal/typescript: run make generate. Do not edit.

// The headers of a call and of its answer; package mesh says what each carries.
export const headerNamespace = "Collective-Namespace";
export const headerTarget = "Collective-Target";
export const headerSession = "Collective-Session";
export const headerExecutor = "Collective-Executor";
export const headerRoute = "Collective-Route";
export const headerReason = "Collective-Reason";

/** logoutPath ends the session of the console: POST. */
export const logoutPath = "/collector.logout";

/** Reason is the stable word for why a call failed. */
export type Reason =
  | "unauthenticated"
  | "policy_denied"
  | "rate_limited"
  | "invalid_request"
  | "namespace_conflict"
  | "credentials_repeated"
  | "token_malformed"
  | "token_too_large"
  | "token_algorithm"
  | "token_issuer"
  | "token_signature"
  | "token_audience"
  | "token_expired"
  | "token_not_yet_valid"
  | "keys_unavailable"
  | "key_unknown"
  | "certificate_identity"
  | "certificate_expired"
  | "socket_identity"
  | "namespace_unknown"
  | "namespace_ambiguous"
  | "service_ambiguous"
  | "method_unknown"
  | "not_unary"
  | "target_unknown"
  | "target_not_serving"
  | "unreachable"
  | "schema_incompatible"
  | "not_registered"
  | "input_type"
  | "input_malformed"
  | "input_invalid"
  | "too_large"
  | "overloaded"
  | "link_down"
  | "link_lost"
  | "deadline"
  | "canceled"
  | "handler_panic"
  | "handler_error"
  | "duplicate_link"
  | "disconnected"
  | "id_in_use"
  | "key_changed"
  | "mesh_secret"
  | "local_only";

/** Author is who decided that a call fails. */
export type Author = "policy" | "router" | "executor" | "link" | "caller" | "handler";

export interface Description {
  readonly reason: Reason;
  readonly author: Author;
  /** The codes that the error can have, the usual one first; none for the code that a handler or a registry chose. */
  readonly codes: readonly string[];
  /** Whether the handler may have run. */
  readonly ran: boolean;
  /** Whether the same call may succeed later without anybody changing it, its handler or a schema. */
  readonly transient: boolean;
  readonly meaning: string;
}

/** reasons describes every reason, in the order in which a call can meet them. There may be others: of newer collectors. */
export const reasons: readonly Description[] = [
  { reason: "unauthenticated", author: "policy", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The caller has not said who it is where anonymous callers may not do this, or what it shows of itself is not valid." },
  { reason: "policy_denied", author: "policy", codes: ["permission_denied"], ran: false, transient: false, meaning: "The policy does not let this caller do this, where the call entered or where it was to run." },
  { reason: "rate_limited", author: "policy", codes: ["resource_exhausted"], ran: false, transient: true, meaning: "The caller has called more often than the policy lets it; RetryInfo in the details says when to call again." },
  { reason: "invalid_request", author: "router", codes: ["invalid_argument", "unimplemented"], ran: false, transient: false, meaning: "The request lacks a name, has one that cannot be, or does not keep to its protocol." },
  { reason: "namespace_conflict", author: "router", codes: ["invalid_argument"], ran: false, transient: false, meaning: "The request names two namespaces, such as one in its path and another one in its header." },
  { reason: "credentials_repeated", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "A header that says who calls was sent more than once, or what was shown names several callers." },
  { reason: "token_malformed", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "What was sent as a bearer token is no signed JWT, or lacks a claim that is needed." },
  { reason: "token_too_large", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The bearer token is longer than 8 KiB." },
  { reason: "token_algorithm", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The token is signed with an algorithm that is not taken: with none, or with a shared secret." },
  { reason: "token_issuer", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The token is of an issuer that the collector does not trust." },
  { reason: "token_signature", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The token is signed with no key of its issuer." },
  { reason: "token_audience", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The token was made for somebody else." },
  { reason: "token_expired", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The token has expired, or the clocks of the issuer and the collector differ." },
  { reason: "token_not_yet_valid", author: "router", codes: ["unauthenticated"], ran: false, transient: true, meaning: "The token is valid later only, or the clocks of the issuer and the collector differ." },
  { reason: "keys_unavailable", author: "router", codes: ["unavailable"], ran: false, transient: true, meaning: "The keys of the token's issuer could not be read yet, so that no token of it can be verified." },
  { reason: "key_unknown", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The API key is not one that the collector knows, or not any more." },
  { reason: "certificate_identity", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The client certificate names nobody of the trust domain." },
  { reason: "certificate_expired", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The client certificate has expired since the connection began." },
  { reason: "socket_identity", author: "router", codes: ["unauthenticated"], ran: false, transient: false, meaning: "The process at the other end of the socket is of another user, or the kernel does not say whose it is." },
  { reason: "namespace_unknown", author: "router", codes: ["not_found", "permission_denied"], ran: false, transient: false, meaning: "The collector has no such namespace, or does not share it with the one that asks." },
  { reason: "namespace_ambiguous", author: "router", codes: ["failed_precondition"], ran: false, transient: false, meaning: "The call names no namespace and the method is served in several." },
  { reason: "service_ambiguous", author: "router", codes: ["invalid_argument"], ran: false, transient: false, meaning: "The short name of the service stands for several services of the namespace." },
  { reason: "method_unknown", author: "router", codes: ["unimplemented"], ran: false, transient: false, meaning: "Nobody in the mesh serves such a method, or not any more." },
  { reason: "not_unary", author: "router", codes: ["unimplemented"], ran: false, transient: false, meaning: "The method streams, and an envelope carries one message each way." },
  { reason: "target_unknown", author: "router", codes: ["not_found"], ran: false, transient: false, meaning: "The collector has no connection to the one that is to run the call." },
  { reason: "target_not_serving", author: "router", codes: ["unimplemented"], ran: false, transient: false, meaning: "The collector that is to run the call does not serve the method." },
  { reason: "unreachable", author: "router", codes: ["unavailable"], ran: false, transient: true, meaning: "Nobody who serves the method, or may serve it, can be reached now." },
  { reason: "schema_incompatible", author: "router", codes: ["failed_precondition", "unavailable"], ran: false, transient: false, meaning: "The schemas of the two ends are not compatible; unavailable while they could not be compared yet." },
  { reason: "not_registered", author: "executor", codes: [], ran: false, transient: false, meaning: "The registry of the executor does not allow the method: not_found, or the code of the registry's own error." },
  { reason: "input_type", author: "executor", codes: ["invalid_argument"], ran: false, transient: false, meaning: "The request message is not of the type that the method takes." },
  { reason: "input_malformed", author: "executor", codes: ["invalid_argument"], ran: false, transient: false, meaning: "The request message does not decode." },
  { reason: "input_invalid", author: "executor", codes: ["invalid_argument"], ran: false, transient: false, meaning: "The request message breaks a rule of its schema, as protovalidate reads it; see the module rules." },
  { reason: "too_large", author: "executor", codes: ["resource_exhausted"], ran: true, transient: false, meaning: "A message or the headers are larger than the limit. Only an answer that is too large comes after the handler ran." },
  { reason: "overloaded", author: "executor", codes: ["resource_exhausted"], ran: false, transient: true, meaning: "The executor, and each other collector that was tried, runs as many calls as it takes: the handler did not run." },
  { reason: "link_down", author: "link", codes: ["unavailable"], ran: false, transient: true, meaning: "The link failed before the call had left: the handler did not run." },
  { reason: "link_lost", author: "link", codes: ["unavailable"], ran: true, transient: true, meaning: "The link failed after the call had left: the handler may have run." },
  { reason: "deadline", author: "caller", codes: ["deadline_exceeded"], ran: true, transient: true, meaning: "The deadline of the call passed." },
  { reason: "canceled", author: "caller", codes: ["canceled"], ran: true, transient: true, meaning: "The caller gave the call up." },
  { reason: "handler_panic", author: "executor", codes: ["internal"], ran: true, transient: false, meaning: "The handler panicked; the log of the executor has the stack." },
  { reason: "handler_error", author: "handler", codes: [], ran: true, transient: false, meaning: "The handler answered with an error. It stands in a Status only: elsewhere such an error has no reason." },
  { reason: "duplicate_link", author: "link", codes: ["already_exists"], ran: false, transient: false, meaning: "The two collectors have a link already, and that one stays." },
  { reason: "disconnected", author: "link", codes: ["failed_precondition"], ran: false, transient: false, meaning: "The connection was closed by hand; only somebody who connects by hand opens it again." },
  { reason: "id_in_use", author: "link", codes: ["already_exists"], ran: false, transient: false, meaning: "Another process is connected under the id of the collector that comes." },
  { reason: "key_changed", author: "link", codes: ["permission_denied"], ran: false, transient: false, meaning: "The id of the collector that comes is known by another key; see collector trust." },
  { reason: "mesh_secret", author: "link", codes: ["permission_denied"], ran: false, transient: false, meaning: "The mesh has a secret, and the collector that comes has not proved to know it." },
  { reason: "local_only", author: "link", codes: ["permission_denied"], ran: false, transient: false, meaning: "Links from other machines need a mesh secret or certificates, and the collector has neither." },
];
