// Command bench measures collective beside the systems it is compared with, on the machine it runs on.
//
// Words used here:
//
//   - contender: one implementation under load, such as mesh, wire, grpc or nats. Its client and server run in one
//     process of its own and talk over loopback TCP, so a figure holds the cost of both ends and nobody shares a heap.
//   - case: one load (callers, message size, call kind) and the contenders that take it.
//   - round: one second or so of load on one contender. The contenders of a case take turns, in alternating order,
//     so that a noisy neighbour hits them alike.
//   - sample: what a round measured: calls, bytes, elapsed time, CPU time of the process (getrusage), latencies.
//   - ratio: ours ÷ theirs, computed per round from the two neighbouring samples; the median is what is printed.
//
// Standard output holds lines `RATIO name value`, `FIGURE name value unit` and, for people, lines that begin with #.
package main
