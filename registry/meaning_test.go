package registry_test

import (
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/schematest"
	"github.com/collectiverpc/collective/registry"
)

// shelf is a service with custom options of many fields, as a client sends it: in the order of the compiler, and in
// another one.
func shelf(t *testing.T) (files, reordered []*descriptorpb.FileDescriptorProto) {
	t.Helper()
	for _, file := range schematest.Compile(t, schematest.Case(t, "options"), "shelf.proto") {
		if file.GetName() == "google/protobuf/descriptor.proto" {
			continue
		}
		files = append(files, schematest.Read(t, file))
		reordered = append(reordered, schematest.Read(t, schematest.Reorder(t, file)))
	}
	return files, reordered
}

// A compiler writes the fields of a custom option in any order, and in another one when the file goes along with its
// service. It is the same file.
func TestOptionsInAnotherOrderAreTheSame(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]registry.Option{"memory": nil, "sqlite": {registry.WithStore(tempDB(t))}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, reordered := shelf(t)
			if a, b := files[1].GetService()[0], reordered[1].GetService()[0]; proto.Equal(a, b) {
				t.Fatal("the order of the options does not differ")
			}
			r := newRegistry(t, opts...)
			first := registerProto(t, r, "n", files[1], files[0])
			for name, req := range map[string]*collector.RegisterServiceRequest{
				"with its file":         {ServiceDescriptor: reordered[1].GetService()[0], FileDescriptor: files[1]},
				"the file is reordered": {ServiceDescriptor: files[1].GetService()[0], FileDescriptor: reordered[1]},
				"without its file":      {ServiceDescriptor: reordered[1].GetService()[0]},
				"as protodesc has it": {
					ServiceDescriptor: protodesc.ToServiceDescriptorProto(schematest.Build(t, append([]*descriptorpb.FileDescriptorProto{descriptorFile()}, reordered...)...).Services().Get(0)),
				},
			} {
				req.Namespace = "n"
				if _, err := r.RegisterService(t.Context(), req); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{
				Namespace: "n", FileDescriptor: files[1], Dependencies: []*descriptorpb.FileDescriptorProto{reordered[1], reordered[0]},
			}); err != nil {
				t.Errorf("twice in one request: %v", err)
			}
			again := registerProto(t, r, "n", reordered[1], reordered[0])
			if len(again.GetReport().GetChanges()) != 0 || again.GetRevision() != first.GetRevision()+1 {
				t.Errorf("the same again: %v, and revision %d after %d; want the change of the service only", again, again.GetRevision(), first.GetRevision())
			}
		})
	}
}

// What an option says counts, and so does what a comment says: only their bytes do not.
func TestOptionsThatDifferAreAChange(t *testing.T) {
	t.Parallel()
	files, _ := shelf(t)
	r := newRegistry(t)
	registerProto(t, r, "n", files[1], files[0])
	another := proto.CloneOf(files[1])
	another.GetService()[0].GetMethod()[0].Options = another.GetService()[0].GetMethod()[1].GetOptions()
	req := &collector.RegisterServiceRequest{Namespace: "n", ServiceDescriptor: another.GetService()[0]}
	if _, err := r.RegisterService(t.Context(), req); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a service with another option: %v", err)
	}
	_, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{
		Namespace: "n", FileDescriptor: files[1], Dependencies: []*descriptorpb.FileDescriptorProto{another},
	})
	if connect.CodeOf(err) != connect.CodeAlreadyExists {
		t.Errorf("two files of one path: %v", err)
	}
	before := revision(t, r)
	if got := registerProto(t, r, "n", another); got.GetRevision() == before {
		t.Error("another option was not stored")
	}
	before = revision(t, r)
	commented := proto.CloneOf(another)
	comment("A shelf.", 6, 0)(commented)
	if got := registerProto(t, r, "n", commented); got.GetRevision() == before {
		t.Error("another comment was not stored")
	}
	before = revision(t, r)
	bare := proto.CloneOf(another)
	bare.SourceCodeInfo = nil
	if got := registerProto(t, r, "n", bare); got.GetRevision() != before {
		t.Error("a file without comments took those away that were there")
	}
}

// A process may serve one file twice, of which it made the descriptors twice.
func TestLocalFilesAreComparedByMeaning(t *testing.T) {
	t.Parallel()
	files, reordered := shelf(t)
	files, reordered = append([]*descriptorpb.FileDescriptorProto{descriptorFile()}, files...), append([]*descriptorpb.FileDescriptorProto{descriptorFile()}, reordered...)
	for _, set := range [][]*descriptorpb.FileDescriptorProto{files, reordered} {
		set[2].Service = append(set[2].Service, proto.CloneOf(set[2].Service[0]))
		set[2].Service[1].Name = proto.String("OtherService")
	}
	r := newRegistry(t)
	if err := r.AddService("n", schematest.Build(t, files...).Services().Get(0)); err != nil {
		t.Fatal(err)
	}
	if err := r.AddService("n", schematest.Build(t, reordered...).Services().Get(1)); err != nil {
		t.Error(err)
	}
}

func descriptorFile() *descriptorpb.FileDescriptorProto {
	return protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto)
}
