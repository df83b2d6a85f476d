// Package outbox gathers what a link sends: frames of all calls, which leave together, and large messages, which leave in
// parts and take turns.
//
// Whoever sends appends whole frames under the lock; the [Writer] takes all of them at once. What the end of the link is and
// what frames mean is package link's.
//
// Words:
//
//	batch    what leaves with one write
//	room     a batch that is not full: senders of messages wait for it, control frames do not
//	turn     the place of a large message in the queue of those that have credit
//	credit   message bytes that may still be sent on a call
//	half     the sending half of a call, which the credit is for
//	inset    a part that is written from where its message was encoded
package outbox
