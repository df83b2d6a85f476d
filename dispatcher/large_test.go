package dispatcher_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/schematest"
)

// large are files of the size and shape of large public APIs. They are compiled once.
func large(t testing.TB) map[string]protoreflect.FileDescriptor {
	t.Helper()
	compileLarge.Do(func() {
		for _, api := range []schematest.API{schematest.Compute, schematest.Container, schematest.DLP} {
			largeFiles[api.Package] = schematest.Build(t, schematest.Compile(t, api.Texts(), api.Path)...)
		}
	})
	return largeFiles
}

var (
	compileLarge sync.Once
	largeFiles   = make(map[string]protoreflect.FileDescriptor)
)

// hostLarge serves every service of a file by its descriptor: an answer is the resource of the request.
func (n node) hostLarge(t testing.TB, file protoreflect.FileDescriptor) {
	t.Helper()
	for i := range file.Services().Len() {
		err := n.RegisterDynamic("test", file.Services().Get(i), func(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
			method, _ := spec.Schema.(protoreflect.MethodDescriptor)
			in := dynamicpb.NewMessage(method.Input())
			if err := stream.Receive(in); err != nil {
				return err
			}
			return stream.Send(in.Get(method.Input().Fields().ByName("resource")).Message().Interface())
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// whole is the answer of all pages.
func (n node) whole(t *testing.T, id string) (files []*descriptorpb.FileDescriptorProto, pages int) {
	t.Helper()
	req := &meshv1.GetDescriptorSetRequest{CollectorId: id}
	for {
		res, err := n.status(t).GetDescriptorSet(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		files, pages = append(files, res.GetFileDescriptorSet().GetFile()...), pages+1
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return files, pages
		}
	}
}

const question = `{"name":"n", "resource":{"field3":["aGk="], "anything":{"@type":"type.googleapis.com/%.Resource7", "text":"y"}}}`

// Large public APIs can be called through a peer, seen there by reflection, and fetched from there, comments and all.
func TestLargeAPIs(t *testing.T) {
	t.Parallel()
	apis := large(t)
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	for _, file := range apis {
		b.hostLarge(t, file)
	}
	join(t, a, b)
	for name := range apis {
		a.knows(t, "test", "/"+name+".Things0/Do0")
	}
	a.learns(t, "b")
	if status, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{}); err != nil || len(status.GetWarnings()) != 0 {
		t.Fatalf("warnings: %v, %v", status.GetWarnings(), err)
	}
	names := listed(t, a.reflectionOf(t))
	for name, file := range apis {
		last := protoreflect.FullName(file.Services().Get(file.Services().Len() - 1).FullName())
		if !strings.Contains(names, string(last)) {
			t.Errorf("%s is not listed", last)
		}
		files, err := a.reflectionOf(t).FileContainingSymbol(last)
		if err != nil || files[0].GetSourceCodeInfo() == nil {
			t.Errorf("%s by reflection: %v; want its comments", last, err)
		}
		if status, answer := a.post(t, "/"+string(last)+"/Do5", strings.ReplaceAll(question, "%", name)); status != http.StatusOK || !strings.Contains(answer, `"aGk="`) || !strings.Contains(answer, `"y"`) {
			t.Errorf("a call of %s: %d, %s", last, status, answer)
		}
	}
	for _, n := range []node{a, b} {
		files, pages := n.whole(t, "b")
		if pages < 2 {
			t.Errorf("at %s: %d page", n.ID(), pages)
		}
		schematest.Build(t, files...) // they fit together
	}
	if _, err := a.status(t).GetDescriptorSet(t.Context(), &meshv1.GetDescriptorSetRequest{CollectorId: "b", PageToken: "0/1"}); connect.CodeOf(err) != connect.CodeAborted {
		t.Errorf("a page of another set: %v", err)
	}
}

// A file that is too large is not shown, nor is what imports it. Everything else is, which one it is can be read, and
// even its methods can be called.
func TestOneLargeFileHidesItselfOnly(t *testing.T) {
	t.Parallel()
	apis := large(t)
	a, b := serve(t, "a", []string{"test"}, dispatcher.WithLimits(dispatcher.Limits{SchemaFileBytes: 512 << 10})), serve(t, "b", []string{"test"})
	for _, file := range apis {
		b.hostLarge(t, file)
	}
	b.hostBox(t, boxFile(t))
	b.hostLarge(t, importer(t, apis["google.cloud.compute.v1"]))
	join(t, a, b)
	a.knows(t, "test", "/google.cloud.compute.v1.Things94/Do0")
	a.knows(t, "test", "/box.BoxService/Open")
	a.learns(t, "b")
	names := strings.Fields(listed(t, a.reflectionOf(t)))
	for service, shown := range map[string]bool{
		"box.BoxService": true, "google.container.v1.Things0": true, "google.privacy.dlp.v2.Things0": true,
		"google.cloud.compute.v1.Things94": false, "importer.Things": false,
	} {
		if slices.Contains(names, service) != shown {
			t.Errorf("%s is shown: %v", service, !shown)
		}
	}
	status, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	warnings := strings.Join(status.GetWarnings(), "\n")
	for _, word := range []string{"in full, 6 of 8 files are", schematest.Compute.Path + ": over a limit", "at most 524288", "importer.proto imports", "SchemaFileBytes", "--max-schema-file"} {
		if !strings.Contains(warnings, word) {
			t.Errorf("no %q in the warnings: %s", word, warnings)
		}
	}
	if status.GetLimits()["schema file"] != "512 KiB" || status.GetLimits()["schema fields"] != "50000" {
		t.Errorf("limits: %v", status.GetLimits())
	}
	body := strings.ReplaceAll(question, "%", "google.cloud.compute.v1")
	if status, answer := a.post(t, "/google.cloud.compute.v1.Things94/Do5", body); status != http.StatusOK {
		t.Errorf("a call: %d, %s", status, answer)
	}
	if files, _ := a.whole(t, "b"); len(files) < 6 {
		t.Errorf("%d files are answered", len(files))
	}
}

// importer is a small file that imports a large one.
func importer(t testing.TB, file protoreflect.FileDescriptor) protoreflect.FileDescriptor {
	t.Helper()
	resource := file.Messages().ByName("Resource1")
	texts := map[string]string{
		file.Path(): "syntax = \"proto3\"; package " + string(file.Package()) + "; message Resource1 {}",
		"importer.proto": `syntax = "proto3"; package importer; import "` + file.Path() + `";
			message Request { ` + string(resource.FullName()) + ` resource = 1; }
			service Things { rpc Do(Request) returns (` + string(resource.FullName()) + `); }`,
	}
	files := schematest.Compile(t, texts, "importer.proto")
	known := new(protoregistry.Files)
	if err := known.RegisterFile(file); err != nil {
		t.Fatal(err)
	}
	built, err := protodesc.NewFile(files[len(files)-1], known)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// A file that is larger than any message of the link comes in parts.
func TestFilesComeInParts(t *testing.T) {
	t.Parallel()
	small := dispatcher.WithLimits(dispatcher.Limits{MessageBytes: 64 << 10})
	a, b := serve(t, "a", []string{"test"}, small), serve(t, "b", []string{"test"}, small)
	file := large(t)["google.container.v1"]
	b.hostLarge(t, file)
	join(t, a, b)
	a.knows(t, "test", "/google.container.v1.Things0/Do0")
	a.learns(t, "b")
	peer, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{})
	if err != nil || len(peer.GetWarnings()) != 0 {
		t.Errorf("warnings: %v, %v", peer.GetWarnings(), err)
	}
	if names := listed(t, a.reflectionOf(t)); !strings.Contains(names, "google.container.v1.Things0") {
		t.Errorf("reflection: %s", names)
	}
}
