// Package duplicate decides which of two links to one peer stays, so that both ends come to the same answer by themselves.
//
// # Words
//
//	claim    a link as this rule sees it: which end dialled it, in which session of the peer
//	verdict  what becomes of the new link: it is taken, or the old one is kept
package duplicate
