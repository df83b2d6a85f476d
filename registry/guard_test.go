package registry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/registry"
)

func TestRegistrar(t *testing.T) {
	t.Parallel()
	unauthenticated := func(context.Context) error { return connect.NewError(connect.CodeUnauthenticated, "who are you?") }
	anybody := func(context.Context) error { return nil }
	for _, tt := range []struct {
		name, procedure, address string
		opts                     []registry.Option
		code                     int
	}{
		{"here", collectorconnect.CollectorRegistryRegisterProtoProcedure, "127.0.0.1:1", nil, http.StatusForbidden}, // being on loopback is no right
		{"here", collectorconnect.CollectorRegistryRegisterServiceProcedure, "127.0.0.1:1", nil, http.StatusForbidden},
		{"elsewhere", collectorconnect.CollectorRegistryRegisterProtoProcedure, "10.0.0.1:1", nil, http.StatusForbidden},
		{"elsewhere", collectorconnect.CollectorRegistryRegisterServiceProcedure, "10.0.0.1:1", nil, http.StatusForbidden},
		{"asks from elsewhere", collectorconnect.CollectorRegistryListServicesProcedure, "10.0.0.1:1", nil, http.StatusOK},
		{"refused", collectorconnect.CollectorRegistryRegisterProtoProcedure, "127.0.0.1:1", []registry.Option{registry.WithRegistrar(unauthenticated)}, http.StatusUnauthorized},
		{"allowed", collectorconnect.CollectorRegistryRegisterServiceProcedure, "10.0.0.1:1", []registry.Option{registry.WithRegistrar(anybody)}, http.StatusBadRequest},
	} {
		server := connect.NewServer()
		r, err := registry.New(t.Context(), tt.opts...)
		if err != nil {
			t.Fatal(err)
		}
		r.RegisterHandler(server)
		mux := http.NewServeMux()
		connecthttp.Mount(mux, server)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tt.procedure, strings.NewReader("{}"))
		req.RemoteAddr = tt.address
		req.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, req)
		if answer.Code != tt.code {
			t.Errorf("%s %s: %d %s, want %d", tt.name, tt.procedure, answer.Code, answer.Body, tt.code)
		}
	}
}
