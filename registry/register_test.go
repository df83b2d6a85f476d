package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
)

func TestRegisterProto(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	address := protoFile("address", "address", message("Address", "street"))
	people := protoFile("people", "people", imports("address/address.proto", "google/protobuf/any.proto"),
		typed("Person", "address.Address"), typed("Box", "google.protobuf.Any"))
	got := registerProto(t, r, "n", people, address)
	if got.GetStatus().GetCode() != 200 || got.GetProtoId() != "n/people/people.proto" {
		t.Errorf("answer is %v", got)
	}
	if want := []string{"people.Person", "people.Box"}; !slices.Equal(got.GetRegisteredMessages(), want) {
		t.Errorf("messages are %q, want %q", got.GetRegisteredMessages(), want)
	}
	before := revision(t, r)
	again := registerProto(t, r, "n", people) // its dependency is there
	if again.GetRevision() != before || len(again.GetReport().GetChanges()) != 0 {
		t.Errorf("the same again = %v, want no change of revision %d", again, before)
	}
}

func TestRegisterService(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	got := registerService(t, r, "n", usersFile())
	if got.GetServiceId() != "n/users.UserService" || !slices.Equal(got.GetRegisteredMethods(), []string{"GetUser", "PutUser"}) {
		t.Errorf("answer is %v", got)
	}

	// Files alone register no service; a service can follow its file.
	registerProto(t, r, "later", usersFile())
	if r.ValidateServiceMethod(t.Context(), "later", "UserService", "GetUser") == nil {
		t.Error("RegisterProto registered a service")
	}
	_, err := r.RegisterService(t.Context(), &collector.RegisterServiceRequest{
		Namespace: "later", ServiceDescriptor: usersFile().GetService()[0],
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ValidateServiceMethod(t.Context(), "later", "UserService", "GetUser"); err != nil {
		t.Error(err)
	}
}

func TestRegisterServiceAsProtodescWritesIt(t *testing.T) {
	t.Parallel()
	fd := built(t, usersFile())
	r := newRegistry(t)
	_, err := r.RegisterService(t.Context(), &collector.RegisterServiceRequest{
		Namespace:         "n",
		ServiceDescriptor: protodesc.ToServiceDescriptorProto(fd.Services().Get(0)),
		FileDescriptor:    protodesc.ToFileDescriptorProto(fd),
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRegisterServiceRefuses(t *testing.T) {
	t.Parallel()
	users := usersFile()
	two := protoFile("b", "b", message("M"), service("UserService", "users.User", "GetUser", "PutUser"), imports("users/users.proto"))
	other := proto.CloneOf(users.GetService()[0])
	other.Method = other.Method[:1]
	tests := []struct {
		name string
		req  *collector.RegisterServiceRequest
		code connect.Code
		text string
	}{
		{"nothing", &collector.RegisterServiceRequest{}, connect.CodeInvalidArgument, "namespace"},
		{"no namespace", &collector.RegisterServiceRequest{ServiceDescriptor: other, FileDescriptor: users}, connect.CodeInvalidArgument, "namespace"},
		{"no service", &collector.RegisterServiceRequest{Namespace: "n", FileDescriptor: users}, connect.CodeInvalidArgument, "service_descriptor is missing"},
		{"no file", &collector.RegisterServiceRequest{Namespace: "n", ServiceDescriptor: other}, connect.CodeInvalidArgument, "does not declare"},
		{"not as declared", &collector.RegisterServiceRequest{Namespace: "n", ServiceDescriptor: other, FileDescriptor: users}, connect.CodeInvalidArgument, "is not what users/users.proto declares"},
		{"declared elsewhere", &collector.RegisterServiceRequest{
			Namespace: "n", ServiceDescriptor: &descriptorpb.ServiceDescriptorProto{Name: proto.String("Other")}, FileDescriptor: users,
		}, connect.CodeInvalidArgument, "users/users.proto does not declare"},
		{"could be two", &collector.RegisterServiceRequest{
			Namespace: "n", ServiceDescriptor: users.GetService()[0], Dependencies: []*descriptorpb.FileDescriptorProto{users, two},
		}, connect.CodeAlreadyExists, "b.UserService or users.UserService"},
		{"system", &collector.RegisterServiceRequest{Namespace: "system", ServiceDescriptor: users.GetService()[0], FileDescriptor: users}, connect.CodePermissionDenied, "collectors themselves"},
		{"below system", &collector.RegisterServiceRequest{Namespace: "system.x", ServiceDescriptor: users.GetService()[0], FileDescriptor: users}, connect.CodePermissionDenied, ""},
		{"the seed's system", &collector.RegisterServiceRequest{Namespace: "system/connections", ServiceDescriptor: users.GetService()[0], FileDescriptor: users}, connect.CodePermissionDenied, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			_, err := r.RegisterService(t.Context(), tt.req)
			checkError(t, err, tt.code, nil, tt.text, "refused")
			checkNothingThere(t, r)
		})
	}
}

func checkNothingThere(t *testing.T, r *registry.Registry) {
	t.Helper()
	list, err := r.ListServices(t.Context(), &collector.ListServicesRequest{})
	if err != nil || len(list.GetServices()) != 0 {
		t.Errorf("after a refusal there is %v, %v", list, err)
	}
}

func TestReregistration(t *testing.T) {
	t.Parallel()
	grown := protoFile("users", "users", message("User", "name", "email", "phone"),
		service("UserService", "users.User", "GetUser", "PutUser", "ListUsers"))
	shrunk := protoFile("users", "users", message("User", "name"), service("UserService", "users.User", "GetUser"))
	gone := protoFile("users", "users", message("User", "name"))
	for name, opts := range map[string][]registry.Option{"memory": nil, "sqlite": {registry.WithStore(tempDB(t))}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t, opts...)
			registerService(t, r, "n", usersFile())

			t.Run("compatible", func(t *testing.T) {
				got := registerService(t, r, "n", grown)
				want := []string{"users.User.phone is new, number 3", "users.UserService.ListUsers is new"}
				if diff := cmp.Diff(want, changeTexts(got.GetReport())); diff != "" {
					t.Errorf("report (-want +got)\n%s", diff)
				}
				checkMethods(t, r, "GetUser PutUser ListUsers", "")
			})
			t.Run("breaking", func(t *testing.T) {
				_, err := r.RegisterService(t.Context(), serviceRequest("n", shrunk))
				checkError(t, err, connect.CodeFailedPrecondition, registry.ErrBreaking,
					"users.User.email is gone, and its number 2 is not reserved (FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED)",
					"users.UserService.PutUser is gone (RPC_NO_DELETE)")
				checkReportDetail(t, err)
				checkMethods(t, r, "GetUser PutUser ListUsers", "")
			})
			t.Run("dry run", func(t *testing.T) {
				req := serviceRequest("n", shrunk)
				req.Force, req.DryRun = true, true
				got, err := r.RegisterService(t.Context(), req)
				if err != nil || len(got.GetReport().GetChanges()) == 0 {
					t.Errorf("dry run = %v, %v", got, err)
				}
				checkMethods(t, r, "GetUser PutUser ListUsers", "")
			})
			t.Run("forced", func(t *testing.T) {
				req := serviceRequest("n", shrunk)
				req.Force = true
				if _, err := r.RegisterService(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				checkMethods(t, r, "GetUser", "PutUser ListUsers")
			})
			t.Run("service gone by force", func(t *testing.T) {
				_, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{Namespace: "n", FileDescriptor: gone, Force: true})
				if err != nil {
					t.Fatal(err)
				}
				checkMethods(t, r, "", "GetUser")
			})
		})
	}
}

func changeTexts(report *collector.SchemaReport) (texts []string) {
	for _, change := range report.GetChanges() {
		texts = append(texts, change.GetElement()+" "+change.GetMessage())
	}
	return texts
}

func checkMethods(t *testing.T, r *registry.Registry, there, gone string) {
	t.Helper()
	for _, method := range strings.Fields(there) {
		if err := r.ValidateServiceMethod(t.Context(), "n", "UserService", method); err != nil {
			t.Error(err)
		}
	}
	for _, method := range strings.Fields(gone) {
		if r.ValidateServiceMethod(t.Context(), "n", "UserService", method) == nil {
			t.Errorf("%s is there", method)
		}
	}
}

func checkReportDetail(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*connect.Error](err)
	if !ok || len(e.Details()) != 1 {
		t.Errorf("%v has no detail", err)
		return
	}
	detail, err := connectproto.UnmarshalErrorDetail(e.Details()[0])
	report, ok := detail.(*collector.SchemaReport)
	if err != nil || !ok || len(report.GetChanges()) < 3 || report.GetChanges()[0].GetRule() == "" {
		t.Errorf("detail is %v, %v", detail, err)
	}
}

// A change of a file must not break the files that import it, even by force.
func TestReregistrationRebuildsImporters(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	orders := protoFile("orders", "orders", imports("users/users.proto"), typed("Order", "users.User"),
		service("OrderService", "orders.Order", "Get"))
	registerProto(t, r, "n", usersFile())
	registerService(t, r, "n", orders)

	registerProto(t, r, "n", usersFile(message("More")))
	files := lookup(t, r, "n", "OrderService").GetFiles().GetFile()
	if len(files) != 2 || len(files[0].GetMessageType()) != 2 {
		t.Errorf("the importer still has the old file: %v", files)
	}

	_, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{
		Namespace: "n", FileDescriptor: protoFile("users", "users", message("Renamed")), Force: true,
	})
	checkError(t, err, connect.CodeInvalidArgument, registry.ErrMalformed, "orders/orders.proto", "users.User")
}

func lookup(t *testing.T, r *registry.Registry, namespace, service string) *collector.LookupServiceResponse {
	t.Helper()
	answer, err := r.LookupService(t.Context(), &collector.LookupServiceRequest{
		Namespace: namespace, ServiceName: service, IncludeFiles: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestNamespacesAreApart(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	registerService(t, r, "a", usersFile())
	registerService(t, r, "b", protoFile("users", "users", message("User", "other"), service("UserService", "users.User", "Different")))
	if r.ValidateServiceMethod(t.Context(), "a", "UserService", "Different") == nil ||
		r.ValidateServiceMethod(t.Context(), "b", "UserService", "GetUser") == nil {
		t.Error("a namespace sees another one's schema")
	}
	_, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{
		Namespace: "c", FileDescriptor: protoFile("x", "x", imports("users/users.proto")),
	})
	checkError(t, err, connect.CodeInvalidArgument, registry.ErrMalformed, "neither registered in the namespace")
}

// The program's own generated files are no business of what comes in by request.
func TestForeignFilesDoNotSeeTheProgram(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	_, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{
		Namespace: "n", FileDescriptor: protoFile("x", "x", imports("collector/common.proto"), typed("M", "collector.Status")),
	})
	checkError(t, err, connect.CodeInvalidArgument, registry.ErrMalformed, "collector/common.proto")

	mine := protoFile("collector", "common", message("Status", "mine"))
	registerProto(t, r, "n", mine)
}

func TestConcurrentRegistrationHasOneWinner(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		file func(i int) *descriptorpb.FileDescriptorProto
		code connect.Code
	}{
		{"same file", func(i int) *descriptorpb.FileDescriptorProto {
			return protoFile("users", "users", message("User", fmt.Sprintf("field%d", i)), service("UserService", "users.User", fmt.Sprintf("Method%d", i)))
		}, connect.CodeFailedPrecondition},
		{"other files", func(i int) *descriptorpb.FileDescriptorProto {
			file := usersFile()
			file.Name = proto.String(fmt.Sprintf("users/users%d.proto", i))
			return file
		}, connect.CodeAlreadyExists},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t, registry.WithStore(tempDB(t)))
			errs := make([]error, 100)
			var group sync.WaitGroup
			for i := range errs {
				group.Go(func() { _, errs[i] = r.RegisterService(t.Context(), serviceRequest("n", tt.file(i))) })
			}
			group.Wait()
			winners := 0
			for _, err := range errs {
				if err == nil {
					winners++
				} else if connect.CodeOf(err) != tt.code {
					t.Errorf("a loser is told %v", err)
				}
			}
			if winners != 1 {
				t.Errorf("%d winners", winners)
			}
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			namespace := fmt.Sprintf("n%d", worker%2)
			dir := fmt.Sprintf("pkg%d", worker)
			fd := built(t, protoFile(dir, "f", message("M"), service("S", dir+".M", "Do")))
			for range 30 {
				if err := r.AddService(namespace, fd.Services().Get(0)); err != nil {
					t.Error(err)
				}
				if err := r.ValidateServiceMethod(t.Context(), namespace, dir+".S", "Do"); err != nil {
					t.Error(err)
				}
				_ = r.ValidateServiceMethod(t.Context(), namespace, "S", "Do")
				if _, err := r.ListServices(t.Context(), &collector.ListServicesRequest{}); err != nil {
					t.Error(err)
				}
				r.RemoveService(namespace, dir+".S")
			}
		})
	}
	group.Wait()
	checkNothingThere(t, r)
}
