// Package introduction reads what a collector says of itself when it asks for a connection: its id, its address, its
// namespaces.
//
// # Words
//
//	offered    a namespace that one side would share. Reserved ones belong to the collectors themselves
//	remark     what the other side has to be told beside the agreement, in Status.details of the answer
//	known as   the id that a collector has here that did not name itself, as the seed's contract allows
//	left out   what cannot be used here of a request of the seed's contract, which has no rule for names
//
// Whoever asks over a link runs this code, so what it must not say refuses all ([CleanNamespaces], [CheckAddress]); of
// what a peer of the seed's contract says, the part that cannot be used is left out ([Remarks]).
package introduction
