// Package reuse lets packages of this module give each other memory back that nobody uses any more. It is out of reach for
// others: who vouches wrongly makes one call see the bytes of another.
//
// Words:
//
//	vouch   to know that nobody holds a value any more, and to say so
package reuse

// Vouched is in the hands of packages of this module only.
type Vouched struct{}

// Stream is a stream of a call whose memory another call can use.
type Stream interface {
	// Reuse gives the stream back. The caller vouches that nobody uses it any more.
	Reuse(Vouched)
}

// Give gives a stream back if it is a [Stream]; others are left to the garbage collector. The caller vouches.
func Give(stream any) {
	if s, ok := stream.(Stream); ok {
		s.Reuse(Vouched{})
	}
}
