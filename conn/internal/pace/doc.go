// Package pace bounds how often something happens.
//
// # Words
//
//	bucket  holds as many as may happen at once, and fills at a rate
//	key     who has a bucket of its own, such as an address
package pace
