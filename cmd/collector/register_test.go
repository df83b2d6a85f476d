package main_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	contract "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/internal/schematest"
)

// image writes a compiled file whose message has fields, all of one type, numbered from 1.
func image(t *testing.T, name string, kind descriptorpb.FieldDescriptorProto_Type, fields ...string) string {
	t.Helper()
	message := &descriptorpb.DescriptorProto{Name: proto.String("Tea")}
	for i, field := range fields {
		message.Field = append(message.Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String(field), JsonName: proto.String(field), Number: proto.Int32(int32(i + 1)), //nolint:gosec // few
			Type: kind.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		})
	}
	set := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{
		Name: proto.String("tea/v1/tea.proto"), Package: proto.String("tea.v1"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{message},
	}}}
	data, err := proto.Marshal(set)
	if filepath.Ext(name) == ".json" {
		data, err = protojson.Marshal(set)
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is registered as source is what is registered as an image: its services may be called, comments and all.
func TestServicesRegisterSource(t *testing.T) {
	t.Parallel()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	source := filepath.Join(t.TempDir(), "shop", "v1", "orders.proto")
	text, err := os.ReadFile("../../proto/shop/v1/orders.proto")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(source), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(source, text, 0o600); err != nil {
		t.Fatal(err)
	}
	a.on(t, "services", "register", source, "--ns", "users").expect(t, 0, "shop.v1.OrderService", "")

	a.on(t, "services").expect(t, 0, "shop.v1.OrderService/CreateOrder\tusers\tunary\t\tshop.v1.CreateOrderRequest", "served by nobody: 1 service registered")
	a.on(t, "services", "-o", "table").expect(t, 0, "nobody", "")
	a.on(t, "services", "--json").expect(t, 0, `"name": "shop.v1.OrderService"`, "")
	a.on(t, "call", "OrderService/CreateOrder").expect(t, 2, "", `shop.v1.OrderService is registered in namespace "users", and no collector hosts it`)
	a.on(t, "services", "register", source, "--ns", "elsewhere").expect(t, 0, "", "")
	a.on(t, "services", "--ns", "elsewhere").expect(t, 0, "shop.v1.OrderService/WatchOrders\telsewhere\tserver stream\t\t", "")
	a.on(t, "services", "unregister", "OrderService", "--ns", "elsewhere").expect(t, 0, "elsewhere/shop.v1.OrderService\tshop/v1/orders.proto", "")
	a.on(t, "services", "unregister", "OrderService", "--ns", "elsewhere").expect(t, 69, "", "nothing is registered in namespace")
	a.on(t, "services", "--ns", "nowhere").expect(t, 69, "", "nowhere")
	host := serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users", "--example", "orders")
	host.on(t, "services", "register", source, "--ns", "orders").expect(t, 0, "", "")
	if got := host.on(t, "services"); strings.Contains(got.err, "nobody") || strings.Count(got.out, "CreateOrder\t") != 1 {
		t.Errorf("what is hosted and registered is listed as\n%s%s", got.out, got.err)
	}

	registry := collectorconnect.NewCollectorRegistryClient(connect.NewClient(connecthttp.NewTransport(http.DefaultClient, a.URL)))
	asked := &contract.ValidateMethodRequest{Namespace: "users", ServiceName: "OrderService", MethodName: "CreateOrder", InputType: "shop.v1.CreateOrderRequest"}
	if res, err := registry.ValidateMethod(t.Context(), asked); err != nil || !res.GetIsValid() {
		t.Errorf("the service cannot be called: %v, %v", res, err)
	}
	res, err := registry.LookupService(t.Context(), &contract.LookupServiceRequest{Namespace: "users", ServiceName: "OrderService", IncludeFiles: true})
	if err != nil {
		t.Fatal(err)
	}
	files := res.GetFiles().GetFile()
	file := files[len(files)-1] // after what it imports
	if file.GetName() != "shop/v1/orders.proto" || !strings.Contains(file.String(), "OrderService takes orders.") {
		t.Errorf("the file or its comments are not there: %v", file)
	}
}

// Whatever was registered, a collector starts: what it serves by then counts, and what is stored is shown and can be removed.
func TestPoisonedStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := filepath.Join(dir, "shop", "v1", "orders.proto")
	if err := os.MkdirAll(filepath.Dir(source), 0o700); err != nil {
		t.Fatal(err)
	}
	text := `syntax = "proto3"; package shop.v1; message Poison {} service OrderService { rpc CreateOrder(Poison) returns (Poison); }`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--id", "a", "--listen", "127.0.0.1:0", "--db", filepath.Join(dir, "a.db"), "--ns", "orders"}
	a := serve(t, args...)
	a.on(t, "services", "register", source, "--ns", "orders").expect(t, 0, "", "")
	a.kill()

	a = serve(t, append(args, "--example", "orders")...)
	a.on(t, "call", "OrderService/CreateOrder", "-d", `{"sku":"tea","qty":1}`).expect(t, 0, "o-1", "")
	a.on(t, "services").expect(t, 0, "shop.v1.CreateOrderRequest", "collector services unregister shop.v1.OrderService --ns orders")
	a.on(t, "services", "--json").expect(t, 0, `"setAside": "breaking change`, "")
	a.on(t, "services", "unregister", "shop.v1.OrderService", "--ns", "orders").expect(t, 0, "orders/shop.v1.OrderService", "")
	a.on(t, "services", "--json").expect(t, 0, `"setAside": ""`, "")
}

// A schema is registered, grows, and cannot break unless that is wanted.
func TestServicesRegister(t *testing.T) {
	t.Parallel()
	const words, numbers = descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_INT64
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	first, grown := image(t, "tea.binpb", words, "sort"), image(t, "tea.json", words, "sort", "origin")
	broken := image(t, "tea.binpb", numbers, "sort", "origin")

	a.on(t, "services", "register", first, "--ns", "users", "--json").expect(t, 0, "{", "forgotten it after a restart")
	a.on(t, "services", "check", first, "--ns", "users").expect(t, 0, "", "nothing that is registered would change")
	a.on(t, "services", "check", grown, "--ns", "users").expect(t, 0, "tea.v1.Tea", "")
	a.on(t, "services", "register", grown, "--ns", "users").expect(t, 0, "compatible", "")
	a.on(t, "services", "check", broken, "--ns", "users").expect(t, 1, "BREAKING\tFIELD_", "--force")
	a.on(t, "services", "check", broken, "--ns", "users", "--json").expect(t, 1, `"breaking": true`, `"hint"`)
	a.on(t, "services", "register", broken, "--ns", "users").expect(t, 1, "", "tea.v1.Tea.origin")
	a.on(t, "services", "check", grown, "--ns", "users").expect(t, 0, "", "nothing that is registered would change")
	a.on(t, "services", "register", broken, "--ns", "users", "--force").expect(t, 0, "BREAKING", "")
	a.on(t, "services", "register", first, "--ns", "system").expect(t, 71, "", "permission_denied")

	a.on(t, "services", "check", "gone.proto", "--ns", "users").expect(t, 2, "", "gone.proto")
	a.on(t, "services", "check", "gone.binpb", "--ns", "users").expect(t, 2, "", "gone.binpb")
	a.on(t, "services", "check", first).expect(t, 2, "", "ns")
}

// Schemas of the size of large public APIs are registered from their sources: with their comments if the request has room
// for them, else without, which is said; over a flag's limit they are refused.
func TestServicesRegisterLarge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wordy := schematest.DLP
	wordy.Path, wordy.Package, wordy.Comment = "wordy/v1/wordy.proto", "wordy.v1", 2000
	wordier := wordy
	wordier.Path, wordier.Package, wordier.Comment = "wordier/v1/wordier.proto", "wordier.v1", 4000
	write := func(api schematest.API) string {
		for path, text := range api.Texts() {
			path = filepath.Join(dir, path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		return filepath.Join(dir, api.Path)
	}
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	a.on(t, "services", "register", write(schematest.Compute), "-I", dir, "--ns", "n").expect(t, 0, "google.cloud.compute.v1.Things94", "")
	a.on(t, "services", "register", write(wordy), "-I", dir, "--ns", "n").expect(t, 0, "wordy.v1.Things0", "wordy.proto is registered without its comments")
	a.on(t, "services", "register", write(wordier), "-I", dir, "--ns", "n").expect(t, 0, "wordier.v1.Things0", "wordier.proto is registered without its comments")
	a.on(t, "status", "--json").expect(t, 0, `"registered file": "2048 KiB"`, "")

	small := serve(t, "--id", "small", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users", "--max-schema-file", "512KiB", "--max-schemas", "8MiB")
	small.on(t, "services", "register", write(schematest.Compute), "-I", dir, "--ns", "n").expect(t, 72, "", "at most 524288 are allowed")
	small.on(t, "status", "--json").expect(t, 0, `"peers' schemas": "8 MiB"`, "")
	small.on(t, "status", "--json").expect(t, 0, `"schema file": "512 KiB"`, "")
	collector(t, "serve", "--max-schema-file", "2 elephants").expect(t, 2, "", "512KiB or 4MiB")
}

// A schema with custom options of many fields is accepted each time, by `services register` and by `services check` after
// it: the compiler writes their fields in another order whenever it is asked.
func TestServicesRegisterCustomOptions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, text := range schematest.Case(t, "options") {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "users")
	for i := range 20 {
		namespace := "n" + strconv.Itoa(i)
		a.on(t, "services", "register", filepath.Join(dir, "shelf.proto"), "-I", dir, "--ns", namespace).expect(t, 0, "case.options.v1.ShelfService", "")
	}
	a.on(t, "services", "register", filepath.Join(dir, "shelf.proto"), "-I", dir, "--ns", "n0").expect(t, 0, "", "nothing that is registered would change")
}
