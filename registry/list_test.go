package registry_test

import (
	"fmt"
	"slices"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
)

func TestLookupService(t *testing.T) {
	t.Parallel()
	r := twoNames(t)
	got, err := r.LookupService(t.Context(), &collector.LookupServiceRequest{Namespace: "one", ServiceName: "UserService"})
	if err != nil {
		t.Fatal(err)
	}
	service := got.GetService()
	if got.GetStatus().GetCode() != 200 || service.GetId() != "one/users.UserService" || service.GetNamespace() != "one" ||
		service.GetServiceName() != "users.UserService" || service.GetMetadata().GetCreatedAt() == nil ||
		!proto.Equal(service.GetServiceDescriptor(), usersFile().GetService()[0]) || got.GetFiles() != nil {
		t.Errorf("LookupService = %v", got)
	}

	for _, tt := range []struct {
		namespace, service string
		code               connect.Code
		kind               error
	}{
		{"one", "Other", connect.CodeNotFound, registry.ErrNotRegistered},
		{"two", "UserService", connect.CodeNotFound, registry.ErrNotRegistered},
		{"both", "UserService", connect.CodeFailedPrecondition, registry.ErrAmbiguous},
		{"", "UserService", connect.CodeInvalidArgument, nil},
	} {
		_, err := r.LookupService(t.Context(), &collector.LookupServiceRequest{Namespace: tt.namespace, ServiceName: tt.service})
		checkError(t, err, tt.code, tt.kind)
	}
}

func TestLookupServiceKeepsComments(t *testing.T) {
	t.Parallel()
	file := usersFile(comment("UserService knows who you are.", 6, 0))
	r := newRegistry(t, registry.WithStore(tempDB(t)))
	registerService(t, r, "n", file)
	files := lookup(t, r, "n", "UserService").GetFiles().GetFile()
	if len(files) != 1 || !proto.Equal(files[0].GetSourceCodeInfo(), file.GetSourceCodeInfo()) {
		t.Errorf("source info is %v", files)
	}
}

func TestListServicesInPages(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	var want []string
	for _, namespace := range []string{"a", "a-b", "a.b", "b"} { // '-' and '.' are before the '/' of an id
		for i := range 7 {
			dir := fmt.Sprintf("pkg%d", i)
			fd := built(t, protoFile(dir, "f", message("M"), service("S", dir+".M", "Do")))
			if err := r.AddService(namespace, fd.Services().Get(0)); err != nil {
				t.Fatal(err)
			}
			want = append(want, namespace+"/"+dir+".S")
		}
	}
	slices.Sort(want)
	for _, size := range []int32{1, 3, 7, 28, 29, 0, 5000} {
		if got := listAll(t, r, "", size); !slices.Equal(got, want) {
			t.Errorf("pages of %d: %q", size, got)
		}
	}
	if got := listAll(t, r, "a", 2); !slices.Equal(got, slices.DeleteFunc(slices.Clone(want), func(id string) bool { return id[:2] != "a/" })) {
		t.Errorf("one namespace: %q", got)
	}
	if got := listAll(t, r, "none", 2); len(got) != 0 {
		t.Errorf("no namespace: %q", got)
	}
	_, err := r.ListServices(t.Context(), &collector.ListServicesRequest{PageSize: -1})
	checkError(t, err, connect.CodeInvalidArgument, nil, "page_size")
}

// listAll follows the page tokens to the end.
func listAll(t *testing.T, r *registry.Registry, namespace string, pageSize int32) (ids []string) {
	t.Helper()
	req := &collector.ListServicesRequest{Namespace: namespace, PageSize: pageSize}
	for {
		page, err := r.ListServices(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if limit := int(pageSize); limit > 0 && len(page.GetServices()) > limit {
			t.Fatalf("a page of %d, asked for %d", len(page.GetServices()), limit)
		}
		for _, service := range page.GetServices() {
			ids = append(ids, service.GetId())
		}
		if page.GetNextPageToken() == "" {
			return ids
		}
		req.PageToken = page.GetNextPageToken()
	}
}

// However large the services are, a page fits into a message.
func TestListServicesBoundsBytes(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	methods := numbered("AMethodWithAPrettyLongName", 1000)
	for i := range 60 {
		dir := fmt.Sprintf("pkg%02d", i)
		registerService(t, r, "n", protoFile(dir, "f", message("M"), service("S", dir+".M", methods...)))
	}
	page, err := r.ListServices(t.Context(), &collector.ListServicesRequest{})
	if err != nil || proto.Size(page) > 2<<20 || page.GetNextPageToken() == "" {
		t.Errorf("the first page has %d bytes, next %q, %v", proto.Size(page), page.GetNextPageToken(), err)
	}
	if got := listAll(t, r, "", 0); len(got) != 60 {
		t.Errorf("%d services", len(got))
	}
}
