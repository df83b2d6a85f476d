// Package refusal holds the failures that the mesh authors: their words, how they are told to callers, and how they are told
// from a handler's own.
//
//   - A [Refusal] is such a failure while it is still known why: a code, a reason of package mesh, a message that says what is
//     wrong and what to do next, and what the router looked at.
//   - [Refusal.Err] makes the error of it that callers see, with a CallFailure in its details. It is bounded, however large the
//     mesh and its names are: failures travel in headers, and clients take few of those.
//   - [FailureOf] finds the CallFailure again, here or at the other end of a link. An error without one is a handler's.
//   - [OKStatus] and [FailedStatus] are the same for the seed's RPCs, which carry a Status in an OK answer.
//
// It is a leaf: it knows no route, no peer and no method, so that everything in the dispatcher can refuse.
package refusal
