// Package exchange watches requests and their answers, so that a client that stops sending or reading does not keep what it holds.
//
// Words:
//
//	exchange  one request and its answer, from the end of its header until its handler has returned
//	hurry     the request must keep coming: it has one message, or it is within one. A stream between two messages may be
//	          quiet for hours, and so may an answer
//	waits     it is the client's turn: a read of a hurried request, or a write of an answer, has begun and not ended
//	stuck     it has waited for longer than the rules allow, however many bytes drip meanwhile
//
// The life of an exchange:
//
//	begun ──► waits ──► begun … ──► ended
//	            │
//	            └─ too long ─► stuck: what waits fails, its stream is reset or its connection closed ──► ended
//
// Nothing here knows what a request is for.
package exchange
