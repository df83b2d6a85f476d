package link

import (
	"sync"

	"connectrpc.com/connect/v2"
)

var clientStreams = sync.Pool{New: func() any { return new(clientStream) }}

// Recycle gives the stream of a call back, so that another call can use its memory. The caller vouches that nobody uses
// the stream any more. Streams of other packages, and those of calls that did not end by the other end's verdict, are
// left to the garbage collector.
func Recycle(stream connect.ClientStream) {
	if s, ok := stream.(*clientStream); ok && s.pure {
		s.reset()
		clientStreams.Put(s)
	}
}

// reset forgets a call. Mutexes stay as they are: whoever unlocked one last may still be on his way out.
func (s *clientStream) reset() {
	s.in.reset()
	s.out.reset()
	s.opened.Store(false)
	s.done.Store(false)
	s.flushed.Store(false)
	s.head.Store(nil)
	s.callerState = callerState{}
}
