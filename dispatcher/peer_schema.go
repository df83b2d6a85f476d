package dispatcher

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

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
	files := s.local.current.Load().files
	for _, hash := range req.GetHashes() {
		own, ok := files.byHash[string(hash)]
		if !ok {
			return connect.Errorf(connect.CodeNotFound,
				"collector %q has no file with the hash %.64x any more; its next catalog says what it has", s.local.self, hash)
		}
		if err := stream.Send(&meshv1.GetFilesResponse{File: own.encoded}); err != nil {
			return err
		}
	}
	return nil
}

// peerSchema is the schemas of a namespace on a peer: a set of files, or why they were refused. Peers with the same
// files share one. It never changes.
type peerSchema struct {
	hashes [][]byte        // what the catalog said
	set    *descriptor.Set // nil if they were refused
	byHash map[string]*descriptor.File
	err    error
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

// pullTimeout bounds one pull. A peer that is slower is asked again later.
const pullTimeout = 10 * time.Second

// pull asks a peer for the files that its catalog names in a namespace, those aside that are held already, and admits
// them: whole, or not at all with every reason. A file is looked at as it arrives, so that a bomb costs one file.
// Nothing that is written in a schema, such as a rule, is ever evaluated.
func pull(
	ctx context.Context, peer *conn.Peer, hashes [][]byte, limits descriptor.Limits, held func(hash []byte) *descriptorpb.FileDescriptorProto,
) (*peerSchema, error) {
	if len(hashes) > limits.Files {
		return nil, fmt.Errorf("%w: %w: %d files, at most %d are taken", errSchema, descriptor.ErrTooLarge, len(hashes), limits.Files)
	}
	files := make([]*descriptorpb.FileDescriptorProto, len(hashes))
	var missing [][]byte
	for i, hash := range hashes {
		if files[i] = held(hash); files[i] == nil {
			missing = append(missing, hash)
		}
	}
	arriving, err := fetchFiles(ctx, peer, missing, limits)
	if err != nil {
		return nil, err
	}
	for i := range files {
		if files[i] == nil {
			files[i], arriving = arriving[0], arriving[1:]
		}
	}
	return admitFiles(hashes, files, limits)
}

func admitFiles(hashes [][]byte, files []*descriptorpb.FileDescriptorProto, limits descriptor.Limits) (*peerSchema, error) {
	admitted, err := descriptor.Admission{Limits: limits, Now: time.Now()}.Admit(files)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSchema, err)
	}
	p := &peerSchema{hashes: hashes, set: admitted.Files, byHash: make(map[string]*descriptor.File, len(hashes))}
	for i, file := range files {
		if there, ok := p.set.Files[file.GetName()]; ok { // not the well-known ones
			p.byHash[string(hashes[i])] = there
		}
	}
	return p, nil
}

// fetchFiles gets files over the link, in the order of their hashes.
func fetchFiles(
	ctx context.Context, peer *conn.Peer, hashes [][]byte, limits descriptor.Limits,
) ([]*descriptorpb.FileDescriptorProto, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	client := meshv1connect.NewSchemaServiceClient(connect.NewClient(peerTransport{peer}))
	stream, err := client.GetFiles(ctx, &meshv1.GetFilesRequest{Hashes: hashes})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	files := make([]*descriptorpb.FileDescriptorProto, 0, len(hashes))
	room := limits.Bytes
	for _, hash := range hashes {
		res, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: %d files of %d were sent", errSchema, len(files), len(hashes))
		}
		if err != nil {
			return nil, err
		}
		if room -= len(res.GetFile()); room < 0 {
			return nil, fmt.Errorf("%w: %w: more than %d bytes of files", errSchema, descriptor.ErrTooLarge, limits.Bytes)
		}
		file, err := openFile(res.GetFile(), hash, limits)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errSchema, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// openFile decodes a file that arrived, the cheapest checks first.
func openFile(encoded, hash []byte, limits descriptor.Limits) (*descriptorpb.FileDescriptorProto, error) {
	if len(encoded) > limits.FileBytes {
		return nil, fmt.Errorf("%w: a file of %d bytes, at most %d are taken", descriptor.ErrTooLarge, len(encoded), limits.FileBytes)
	}
	if got := sha256.Sum256(encoded); !slices.Equal(got[:], hash) {
		return nil, fmt.Errorf("%w: a file has the hash %x, not %x as announced", descriptor.ErrMalformed, got, hash)
	}
	file := new(descriptorpb.FileDescriptorProto)
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(encoded, file); err != nil {
		return nil, fmt.Errorf("%w: a file is no FileDescriptorProto: %w", descriptor.ErrMalformed, err)
	}
	return file, descriptor.Inspect(file, limits)
}

// peerTransport reaches the services of a peer itself, which are in no namespace.
type peerTransport struct{ peer *conn.Peer }

// NewClientStream opens a call on the peer.
func (t peerTransport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	return t.peer.Open(ctx, link.Call{Spec: spec})
}
