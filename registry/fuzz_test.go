package registry_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
)

// FuzzRegisterService lets anything be registered beside a service that is there. Whatever happens, the service that
// was there stays what it was, and what is accepted can be answered.
func FuzzRegisterService(f *testing.F) {
	for _, tt := range hostileFiles() {
		files := tt.files()
		if proto.Size(files[0]) < 10_000 {
			addSeed(f, &collector.RegisterServiceRequest{Namespace: "n", FileDescriptor: files[0], Dependencies: files[1:]})
		}
	}
	addSeed(f, serviceRequest("n", usersFile()))
	addSeed(f, serviceRequest("n", usersFile(message("More", "x"))))
	addSeed(f, serviceRequest("n", protoFile("orders", "orders", imports("users/users.proto"),
		typed("Order", "users.User"), service("OrderService", "orders.Order", "Get"))))
	limits := registry.Limits{FileBytes: 16 << 10, Fields: 200, Files: 20, TotalBytes: 64 << 10}

	f.Fuzz(func(t *testing.T, data []byte) {
		req := new(collector.RegisterServiceRequest)
		if err := proto.Unmarshal(data, req); err != nil {
			t.Skip()
		}
		req.Namespace, req.Force = "n", false
		r := newRegistry(t, registry.WithLimits(limits))
		registerService(t, r, "n", usersFile())
		before := revision(t, r)

		answer, err := r.RegisterService(t.Context(), req)
		if err != nil && revision(t, r) != before {
			t.Errorf("refused with %v, and yet the registry changed", err)
		}
		if err := r.ValidateInput(t.Context(), "n", "users.UserService", "GetUser", "users.User"); err != nil {
			t.Errorf("what was there: %v", err)
		}
		if err == nil {
			checkAccepted(t, r, req, answer)
		}
	})
}

func addSeed(f *testing.F, req *collector.RegisterServiceRequest) {
	f.Helper()
	data, err := proto.Marshal(req)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
}

func checkAccepted(
	t *testing.T, r *registry.Registry, req *collector.RegisterServiceRequest, answer *collector.RegisterServiceResponse,
) {
	t.Helper()
	again, err := r.RegisterService(t.Context(), req)
	if err != nil || again.GetRevision() != answer.GetRevision() || again.GetServiceId() != answer.GetServiceId() {
		t.Errorf("the same again: %v, %v, before %v", again, err, answer)
	}
	list, err := r.ListServices(t.Context(), &collector.ListServicesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range list.GetServices() {
		found := lookup(t, r, "n", service.GetServiceName())
		if _, err := protojson.Marshal(found); err != nil {
			t.Errorf("%s cannot be answered as JSON: %v", service.GetId(), err)
		}
	}
}
