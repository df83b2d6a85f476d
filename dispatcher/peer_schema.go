package dispatcher

import (
	"context"
	"errors"
	"slices"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/descriptor"
)

// schemaService answers peers the files of which their catalogs told them. Whoever knows the hash of a file was told of
// it: a catalog names those of shared namespaces only.
type schemaService struct{ local *local }

// GetFiles sends the wanted files.
func (s schemaService) GetFiles(
	_ context.Context, req *meshv1.GetFilesRequest, stream meshv1connect.SchemaServiceGetFilesServerStream,
) error {
	if n := len(req.GetHashes()); n > descriptor.Files {
		return connect.Errorf(connect.CodeInvalidArgument, "%d files at once, at most %d are sent", n, descriptor.Files)
	}
	files := s.local.methods.Snapshot().Files
	for _, hash := range req.GetHashes() {
		own, ok := files.ByHash[string(hash)]
		if !ok {
			return connect.Errorf(connect.CodeNotFound,
				"collector %q has no file with the hash %.64x any more; its next catalog says what it has", s.local.self, hash)
		}
		if err := sendFile(stream, own.Encoded, s.local.limits.fileChunk()); err != nil {
			return err
		}
	}
	return nil
}

// maxFileChunk is how much of a file goes into one message: more than most files have, and far less than a link takes.
const maxFileChunk = 1 << 20

// fileChunk is how much of a file goes into one message of a link.
func (l Limits) fileChunk() int { return min(maxFileChunk, max(1, l.Link.MaxMessage/2)) }

func sendFile(stream meshv1connect.SchemaServiceGetFilesServerStream, encoded []byte, size int) error {
	for len(encoded) > size {
		if err := stream.Send(&meshv1.GetFilesResponse{File: encoded[:size], More: true}); err != nil {
			return err
		}
		encoded = encoded[size:]
	}
	return stream.Send(&meshv1.GetFilesResponse{File: encoded})
}

// peerSchema is the schemas of a namespace on a peer: a set of files, and why others were refused. Peers with the same
// files share one. It never changes.
type peerSchema struct {
	hashes [][]byte // what the catalog said
	set    *descriptor.Set
	byHash map[string]*descriptor.File
	err    error // why files are not in the set; nil if all of them are
}

// errSchema is in the chain of every reason to refuse the schemas of a peer for good: asking again would not help.
var errSchema = errors.New("schemas refused")

// sameHashes is quick for two reads of one catalog.
func sameHashes(a, b [][]byte) bool {
	if len(a) != len(b) || len(a) == 0 {
		return len(a) == len(b)
	}
	return &a[0] == &b[0] || slices.EqualFunc(a, b, slices.Equal)
}

// service finds a service; nil if it is not known.
func (p *peerSchema) service(name string) protoreflect.ServiceDescriptor {
	if p == nil || p.set == nil {
		return nil
	}
	found, _ := p.set.Service(name)
	return found
}

// files are those that are known, in the order of their paths.
func (p *peerSchema) files() []*descriptor.File {
	if p == nil || p.set == nil {
		return nil
	}
	files := make([]*descriptor.File, 0, len(p.set.Files))
	for _, path := range p.set.Paths() {
		files = append(files, p.set.Files[path])
	}
	return files
}

// method finds a method; nil if it is not known.
func (p *peerSchema) method(service, method string) protoreflect.MethodDescriptor {
	if found := p.service(service); found != nil {
		return found.Methods().ByName(protoreflect.Name(method))
	}
	return nil
}

// fileByHash is a file that is in the set already; nil if it is not.
func (p *peerSchema) fileByHash(hash []byte) *descriptorpb.FileDescriptorProto {
	there, ok := p.byHash[string(hash)]
	if !ok {
		return nil
	}
	file := new(descriptorpb.FileDescriptorProto)
	if proto.Unmarshal(there.Encoded, file) != nil {
		return nil
	}
	return file
}

// peerTransport reaches the services of a peer itself, which are in no namespace.
type peerTransport struct{ peer *conn.Peer }

// NewClientStream opens a call on the peer.
func (t peerTransport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	return t.peer.Open(ctx, link.Call{Spec: spec})
}
