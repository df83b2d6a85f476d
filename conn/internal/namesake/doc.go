// Package namesake remembers the processes that run, or ran, under the id of one peer beside the one that is connected.
//
// Two processes under one id would replace each other's links for ever. A link of another run is taken at first, as
// after a restart that nobody has noticed yet; but the run whose link was replaced is then asked whether it is still
// there, and one that comes back while its successor is up is refused and told why.
//
// # Words
//
//	run       one run of a collector process, with a session id of its own
//	namesake  a run whose link was replaced by one of another run of the same id
//	proven    it still ran after its link was replaced. Otherwise it was the run before a restart
package namesake
