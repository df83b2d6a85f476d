package authz

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Every RPC of the contracts has a row, so that what it needs was thought of.
func TestEveryRPCHasARight(t *testing.T) {
	t.Parallel()
	files := []protoreflect.FileDescriptor{
		collector.File_collector_dispatcher_proto, collector.File_collector_registry_proto,
		meshv1.File_collector_mesh_v1_mesh_proto, meshv1.File_collector_mesh_v1_catalog_proto, meshv1.File_collector_mesh_v1_link_proto,
	}
	read := 0
	for _, file := range files {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				procedure := "/" + string(service.FullName()) + "/" + string(service.Methods().Get(j).Name())
				if _, ok := rights[procedure]; !ok {
					t.Errorf("%s has no row in rights: say which action it asks for", procedure)
				}
				read++
			}
		}
	}
	if read < 20 {
		t.Errorf("only %d RPCs were read", read)
	}
	for procedure, r := range rights {
		if r.action == 0 && r.within != nil || !strings.HasPrefix(procedure, "/") {
			t.Errorf("%s: %+v", procedure, r)
		}
	}
	if got := rightTo("/a.program/Own").action; got != access.Operate {
		t.Errorf("what is in no row needs %v", got)
	}
	if got := rightTo("/collector.CollectiveDispatcher/Nope"); got.action != 0 {
		t.Errorf("what does not exist needs %v", got.action)
	}
}

// To force is a right beside the one to register, in the namespace of the request.
func TestRegistration(t *testing.T) {
	t.Parallel()
	ns := access.Resource{Namespace: "ns"}
	for _, tt := range []struct {
		message interface{ ProtoReflect() protoreflect.Message }
		want    []question
	}{
		{&collector.RegisterProtoRequest{Namespace: "ns"}, []question{{access.Register, ns}}},
		{&collector.RegisterProtoRequest{Namespace: "ns", Force: true}, []question{{access.Register, ns}, {access.Force, ns}}},
		{&collector.RegisterServiceRequest{Namespace: "ns", Force: true}, []question{{access.Register, ns}, {access.Force, ns}}},
		{&emptypb.Empty{}, []question{{action: access.Register}}},
	} {
		got := registration(tt.message.ProtoReflect())
		if len(got) != len(tt.want) {
			t.Errorf("%v asks for %v", tt.message, got)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%v asks for %v", tt.message, got)
			}
		}
	}
	if got := (right{action: access.Register, within: registration}).questionsOf("no message"); len(got) != 1 || got[0].action != access.Register {
		t.Errorf("what cannot be read asks for %v", got)
	}
}
