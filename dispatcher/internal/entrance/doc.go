// Package entrance adapts the ways by which calls enter a collector to the one pipeline of package call. None of them routes,
// runs, forwards or repeats a call by itself:
//
//   - [Native] takes calls over HTTP at the path of their method, in whatever protocol connecthttp speaks.
//   - [Consumers] takes calls over the links of processes that only call.
//   - [Envelopes] takes calls that come in an RPC of the seed: Dispatch, which runs them where they live, and Serve, which runs
//     them here or refuses them.
//   - [Transport] takes calls of generated clients in this process.
//
// What an entrance adds is how a call looks on its side: where its names are, what its messages are wrapped in, how its answer
// and its errors leave.
//
// All of them are safe for concurrent use, and every call that enters by one is observed once, whether it ran or was refused.
// Panics of handlers and interceptors end here, as errors of their call.
package entrance
