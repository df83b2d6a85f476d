package ingress

import (
	"slices"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/mesh"
)

// WebStream is the stream of a call of gRPC-Web. It keeps an answer of gRPC-Web that has no message as short as it is elsewhere: trailers only, in one block.
// connect sends it so if no header is set, and the mesh sets some.
type WebStream struct {
	connect.ServerStream
	begun bool // the headers are gone
}

// NewWebStream puts one around the stream of a call. Its Finish must be called when the call has ended.
func NewWebStream(stream connect.ServerStream) *WebStream { return &WebStream{ServerStream: stream} }

// SendHeaders sends the headers as they are.
func (s *WebStream) SendHeaders() error {
	s.begun = true
	return s.ServerStream.SendHeaders()
}

// Send sends a message, and the headers before the first one.
func (s *WebStream) Send(msg any) error {
	s.begun = true
	return s.ServerStream.Send(msg)
}

// Finish makes the mesh's own headers trailers, if they are all there is.
func (s *WebStream) Finish(info *connect.CallInfo) {
	header := info.ResponseHeader()
	if s.begun {
		return
	}
	var own []string
	for name := range header.All() {
		if !strings.HasPrefix(name, mesh.HeaderPrefix) {
			return
		}
		own = append(own, name)
	}
	for _, name := range own {
		info.ResponseTrailer().SetValues(name, slices.Clone(header.Values(name)))
		header.Delete(name)
	}
}
