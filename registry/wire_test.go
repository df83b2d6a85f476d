package registry_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/registry"
)

// clients serves a registry on a real socket and answers a client for each protocol.
func clients(t *testing.T, r *registry.Registry) map[string]collectorconnect.CollectorRegistryClient {
	t.Helper()
	server := connect.NewServer()
	r.RegisterHandler(server)
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server)
	web := httptest.NewUnstartedServer(mux)
	web.Config.Protocols = new(http.Protocols)
	web.Config.Protocols.SetHTTP1(true)
	web.Config.Protocols.SetUnencryptedHTTP2(true)
	web.Start()
	t.Cleanup(web.Close)

	client := func(by *http.Client, opts ...connecthttp.Option) collectorconnect.CollectorRegistryClient {
		return collectorconnect.NewCollectorRegistryClient(connect.NewClient(connecthttp.NewTransport(by, web.URL, opts...)))
	}
	return map[string]collectorconnect.CollectorRegistryClient{
		"Connect":      client(web.Client()),
		"Connect JSON": client(web.Client(), connecthttp.WithProtoJSON()),
		"Connect GET":  client(web.Client(), connecthttp.WithHTTPGet()),
		"gRPC":         client(meshtest.HTTP2Client(t), connecthttp.WithGRPC()),
		"gRPC-Web":     client(web.Client(), connecthttp.WithGRPCWeb()),
	}
}

func TestServiceIsTheSameInEveryProtocol(t *testing.T) {
	t.Parallel()
	r := twoNames(t)
	for name, client := range clients(t, r) {
		t.Run(name, func(t *testing.T) {
			lookup := &collector.LookupServiceRequest{Namespace: "one", ServiceName: "UserService", IncludeFiles: true}
			want, _ := r.LookupService(t.Context(), lookup)
			got, err := client.LookupService(t.Context(), lookup)
			if diff := cmp.Diff(want, got, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("LookupService: %v (-want +got)\n%s", err, diff)
			}
			wantList, _ := r.ListServices(t.Context(), &collector.ListServicesRequest{PageSize: 2})
			gotList, err := client.ListServices(t.Context(), &collector.ListServicesRequest{PageSize: 2})
			if diff := cmp.Diff(wantList, gotList, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("ListServices: %v (-want +got)\n%s", err, diff)
			}
			_, err = client.LookupService(t.Context(), &collector.LookupServiceRequest{Namespace: "one", ServiceName: "Nope"})
			checkError(t, err, connect.CodeNotFound, nil, "Nope")

			_, err = client.RegisterProto(t.Context(), &collector.RegisterProtoRequest{
				Namespace: "one", FileDescriptor: protoFile("users", "users", message("User", "name")),
			})
			checkError(t, err, connect.CodeFailedPrecondition, nil, "users.UserService is gone")
			checkReportDetail(t, err)

			namespace := map[string]string{"Connect": "c", "Connect JSON": "j", "Connect GET": "e", "gRPC": "g", "gRPC-Web": "w"}[name]
			answer, err := client.RegisterService(t.Context(), serviceRequest(namespace, usersFile()))
			if err != nil || answer.GetServiceId() != namespace+"/users.UserService" {
				t.Errorf("RegisterService = %v, %v", answer, err)
			}
			remote := registry.NewGRPCRegistryValidator(client)
			if err := remote.ValidateInput(t.Context(), namespace, "UserService", "GetUser", "users.User"); err != nil {
				t.Error(err)
			}
			checkError(t, remote.ValidateServiceMethod(t.Context(), "both", "UserService", "GetUser"),
				connect.CodeFailedPrecondition, registry.ErrAmbiguous, "admin.UserService or users.UserService")
		})
	}
}
