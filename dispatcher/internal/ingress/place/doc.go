// Package place gives the connections of clients their places at a listener, of which there are a bounded number, so that
// nobody who is stuck keeps a new client waiting.
//
// Words:
//
//	place    a connection, from its acceptance until it is closed
//	silent   it has not brought a whole request header yet
//	waiting  all its requests wait for the client, see package exchange
//	idle     it has brought requests, and none is being served
//	busy     anything else: a request is being served, or a stream is open
//	link     it carries a link to another collector, which has bounds of its own; it takes no place
//	known    somebody has said who its client is
//	reserve  places beyond the bound, for links and for those who are known
//
// A new connection is always accepted. When there are too many, the one that gives way is, of those of its address if that has
// too many, else of all: the oldest silent one, else the one that has waited longest, else the one that was idle longest. If all
// are busy, the new one gets a place of the reserve, and if that is full it is closed. The first request there waits for a moment:
// those who have just stopped give way to it then.
package place
