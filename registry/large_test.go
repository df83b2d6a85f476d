package registry_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/schematest"
	"github.com/collectiverpc/collective/registry"
)

// Files of the size and shape of large public APIs are taken with their comments, kept over a restart, and answered.
func TestLargeAPIsRegister(t *testing.T) {
	t.Parallel()
	db := tempDB(t)
	r := newRegistry(t, registry.WithStore(db))
	for _, api := range []schematest.API{schematest.Compute, schematest.Container, schematest.DLP} {
		var files []*descriptorpb.FileDescriptorProto
		for _, file := range schematest.Compile(t, api.Texts(), api.Path) {
			files = append(files, schematest.Read(t, file))
		}
		file := files[len(files)-1]
		registerProto(t, r, "n", file, files[:len(files)-1]...)
		for _, service := range file.GetService() {
			if _, err := r.RegisterService(t.Context(), &collector.RegisterServiceRequest{Namespace: "n", ServiceDescriptor: service}); err != nil {
				t.Fatalf("%s: %v", api.Path, err)
			}
		}
	}
	for _, r := range []*registry.Registry{r, newRegistry(t, registry.WithStore(db))} {
		for _, full := range []string{"google.cloud.compute.v1.Things94", "google.container.v1.Things0", "google.privacy.dlp.v2.Things0"} {
			res, err := r.LookupService(t.Context(), &collector.LookupServiceRequest{Namespace: "n", ServiceName: full, IncludeFiles: true})
			if err != nil {
				t.Fatal(err)
			}
			files := res.GetFiles().GetFile()
			if size := proto.Size(res); size > 4<<20 || files[len(files)-1].GetSourceCodeInfo() == nil {
				t.Errorf("%s: %d bytes, want its comments, and no more than any client takes", full, size)
			}
		}
		if err := r.ValidateServiceMethod(t.Context(), "n", "google.cloud.compute.v1.Things94", "Do10"); err != nil {
			t.Error(err)
		}
	}
}
