package dispatcher_test

import (
	"context"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/schematest"
)

// Three collectors serve a file with custom options each, in which a compiler wrote the fields of the options in an order
// of its own, or kept them as messages. It is one file: nobody's service is hidden, and nothing is sent twice.
func TestFilesAreComparedByMeaning(t *testing.T) {
	t.Parallel()
	files := schematest.Compile(t, schematest.Case(t, "options"), "shelf.proto")
	last := files[len(files)-1]
	for _, name := range []string{"CrateService", "BoxService"} {
		service := proto.CloneOf(last.GetService()[0])
		service.Name = proto.String(name)
		last.Service = append(last.Service, service)
	}
	ways := map[string]func(*descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto{
		"b": func(file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto { return file },
		"c": func(file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
			return schematest.Read(t, file)
		},
		"d": func(file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
			return schematest.Read(t, schematest.Reorder(t, file))
		},
	}
	a := serve(t, "a", []string{"test"})
	hashes := make(map[string]bool)
	for i, id := range []string{"b", "c", "d"} {
		n := serve(t, id, []string{"test"})
		var written []*descriptorpb.FileDescriptorProto
		for _, file := range files {
			written = append(written, ways[id](file))
		}
		service := schematest.Build(t, written...).Services().Get(i)
		err := n.RegisterDynamic("test", service, func(context.Context, connect.Spec, connect.ServerStream) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		join(t, a, n)
		a.knows(t, "test", "/case.options.v1."+string(service.Name())+"/Put")
		a.learns(t, id)
		peer, _ := a.Connections().Table().Peer(id)
		for _, hash := range peer.Catalog.Files("test") {
			hashes[string(hash)] = true
		}
	}
	if len(hashes) != 2 {
		t.Errorf("two files have %d hashes", len(hashes))
	}
	names := listed(t, a.reflectionOf(t))
	for _, service := range []string{"ShelfService", "CrateService", "BoxService"} {
		if !strings.Contains(names, service) {
			t.Errorf("%s is hidden: %s", service, names)
		}
	}
	if status, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{}); err != nil || len(status.GetWarnings()) != 0 {
		t.Errorf("warnings: %v, %v", status.GetWarnings(), err)
	}
}
