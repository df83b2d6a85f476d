package dispatcher

import (
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"github.com/collectiverpc/collective/mesh"
)

// webStream keeps an answer of gRPC-Web that has no message as short as it is elsewhere: trailers only, in one block.
// connect sends it so if no header is set, and the mesh sets some.
type webStream struct {
	connect.ServerStream
	begun bool // the headers are gone
}

func (s *webStream) SendHeaders() error {
	s.begun = true
	return s.ServerStream.SendHeaders()
}

func (s *webStream) Send(msg any) error {
	s.begun = true
	return s.ServerStream.Send(msg)
}

// finish makes the mesh's own headers trailers, if they are all there is.
func (s *webStream) finish(info *connect.CallInfo) {
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
