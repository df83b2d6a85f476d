package peerschema

import (
	"crypto/sha256"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/dispatcher/internal/descriptorset"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/schema"
)

// FuzzPeerFiles takes anything for the file of a peer. What is accepted is complete: it can be answered and compared.
func FuzzPeerFiles(f *testing.F) {
	add := func(edit func(*descriptorpb.FileDescriptorProto)) {
		file := &descriptorpb.FileDescriptorProto{Name: proto.String("x.proto"), Package: proto.String("x"), Syntax: proto.String("proto3")}
		edit(file)
		data, err := proto.Marshal(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	add(func(*descriptorpb.FileDescriptorProto) {})
	add(func(file *descriptorpb.FileDescriptorProto) { file.Dependency = []string{"x.proto"} })
	add(func(file *descriptorpb.FileDescriptorProto) {
		file.MessageType = []*descriptorpb.DescriptorProto{{Name: proto.String("M")}}
		file.Service = []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Do"), InputType: proto.String(".x.M"), OutputType: proto.String(".x.M"),
		}}}}
	})
	limits := Limits{Bytes: 32 << 20, FileBytes: descriptor.FileBytes, Fields: descriptor.FieldsOf(descriptor.FileBytes)}.beside(size{}, size{})
	f.Fuzz(func(t *testing.T, data []byte) {
		hash := sha256.Sum256(data)
		file, err := openFile(data, hash[:], limits)
		if err != nil {
			return
		}
		schemas := (&pulling{limits: limits, files: []*descriptorpb.FileDescriptorProto{file}}).schema([][]byte{hash[:]})
		if (schemas.Err == nil) != (len(schemas.Set.Files) == 1 || descriptor.WellKnown(file.GetName())) {
			t.Errorf("%d files, and refused with %v", len(schemas.Set.Files), schemas.Err)
		}
		for _, path := range schemas.Set.Paths() {
			services := schemas.Set.Files[path].Descriptor.Services()
			for i := range services.Len() {
				service := services.Get(i)
				for j := range service.Methods().Len() {
					method := service.Methods().Get(j)
					if found := schemas.Method(string(service.FullName()), string(method.Name())); found != method || schema.Fingerprint(found) == 0 {
						t.Errorf("%s is not found", method.FullName())
					}
				}
			}
		}
		if _, err := descriptorset.Page(descriptor.Closure(filesIn(schemas)...), nil, "", 1<<20); err != nil {
			t.Error(err)
		}
	})
}

func filesIn(p *Schema) []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	for _, path := range p.Set.Paths() {
		files = append(files, p.Set.Files[path].Descriptor)
	}
	return files
}
