package peerschema

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// service answers peers the files of which their catalogs told them. Whoever knows the hash of a file was told of
// it: a catalog names those of shared namespaces only.
type service struct {
	self    string
	methods *hosted.Set
	chunk   int // of a file, in bytes, that goes into one message
}

// NewService makes the service of the collector self for what is registered on it. A message of a link has at most
// linkMessage bytes.
func NewService(self string, methods *hosted.Set, linkMessage int) meshv1connect.SchemaServiceHandler {
	return service{self: self, methods: methods, chunk: min(maxFileChunk, max(1, linkMessage/2))}
}

// GetFiles sends the wanted files.
// They come in the order in which they were asked for, each in as many messages as it needs.
func (s service) GetFiles(
	_ context.Context, req *meshv1.GetFilesRequest, stream meshv1connect.SchemaServiceGetFilesServerStream,
) error {
	if n := len(req.GetHashes()); n > descriptor.Files {
		return connect.Errorf(connect.CodeInvalidArgument, "%d files at once, at most %d are sent", n, descriptor.Files)
	}
	files := s.methods.Snapshot().Files
	for _, hash := range req.GetHashes() {
		own, ok := files.ByHash[string(hash)]
		if !ok {
			return connect.Errorf(connect.CodeNotFound,
				"collector %q has no file with the hash %.64x any more; its next catalog says what it has", s.self, hash)
		}
		if err := sendFile(stream, own.Encoded, s.chunk); err != nil {
			return err
		}
	}
	return nil
}

// maxFileChunk is how much of a file goes into one message: more than most files have, and far less than a link takes.
const maxFileChunk = 1 << 20

// sendFile sends one file. The last message of it does not say More, also of an empty one.
func sendFile(stream meshv1connect.SchemaServiceGetFilesServerStream, encoded []byte, size int) error {
	for len(encoded) > size {
		if err := stream.Send(&meshv1.GetFilesResponse{File: encoded[:size], More: true}); err != nil {
			return err
		}
		encoded = encoded[size:]
	}
	return stream.Send(&meshv1.GetFilesResponse{File: encoded})
}
