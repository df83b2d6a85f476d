// Package ledger is what was written down of the calls of a run: by the handlers what ran, by the clients how it ended.
//
//	run      an execution of a handler, written before it does anything
//	outcome  how a call ended for the client that made it
//	book     the runs and outcomes of one test, side by side
//	lie      an outcome that says that the handler surely did not run, of a call that has a run
//	wrong    a lie, the answer of another call, or an answer without a run
//	double   a call of a method that may not be repeated, with two runs
//
// Times are nanoseconds of the machine's clock, which all processes of a run share.
package ledger
