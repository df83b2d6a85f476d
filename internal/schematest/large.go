package schematest

import (
	"fmt"
	"strings"
)

// API is the shape of a generated file: that of a public API, whose descriptors are large.
// The texts are the same for the same numbers, always: what tests measure of them can be compared over time. They are
// generated because the files themselves have other people's licences and would be megabytes here.
type API struct {
	Path, Package string
	Services      int
	Methods       int // of each service; they have google.api.http and google.api.method_signature
	Resources     int // messages beside one request of each method
	Fields        int // of each resource, beside an enum of its own and a oneof
	Values        int // of each enum
	// At least that many; a comment ends with a whole sentence.
	Comment int // bytes of the comment on each element
}

// The files of three public APIs by their sizes: one of many services, one with many comments, and one of moderate size
// that is all of it messages.
// They are not those files, and their names are only to be recognised in what tests print.
var (
	Compute   = API{"google/cloud/compute/v1/compute.proto", "google.cloud.compute.v1", 95, 11, 560, 12, 6, 60}
	Container = API{"google/container/v1/cluster_service.proto", "google.container.v1", 1, 35, 365, 10, 5, 400}
	DLP       = API{"google/privacy/dlp/v2/dlp.proto", "google.privacy.dlp.v2", 1, 35, 150, 8, 8, 200}
)

// Texts are the file and all it imports, by path.
// Compiling them takes seconds for the largest: tests share what they compile.
func (a API) Texts() map[string]string {
	g := &generator{API: a}
	g.line("syntax = \"proto3\";")
	g.line("package %s;", a.Package)
	for _, path := range []string{"google/api/annotations.proto", "google/api/client.proto", "google/protobuf/timestamp.proto", "google/protobuf/any.proto"} {
		g.line("import %q;", path)
	}
	for i := range a.Resources {
		g.resource(i)
	}
	for i := range a.Services {
		g.service(i)
	}
	return map[string]string{
		a.Path: g.text.String(), "google/api/annotations.proto": annotations, "google/api/http.proto": httpRule, "google/api/client.proto": client,
	}
}

// generator writes one file.
// It writes from front to back, once.
type generator struct {
	API
	text strings.Builder
}

// line writes one line of the file.
func (g *generator) line(format string, args ...any) { fmt.Fprintf(&g.text, format+"\n", args...) }

// comment writes the comment on the element that follows.
// Comments are most of the bytes of a public API's descriptor, which is why their size is given.
func (g *generator) comment(indent, about string) {
	text := "The " + about + " of this API."
	for len(text) < g.Comment {
		text += " Its meaning is told at length, as authors of public schemas do."
	}
	g.line("%s// %s", indent, text)
}

// resource writes a message with an enum, a oneof and fields that lead to two other resources, as in a tree.
// A tree, and not one message in all others: descriptors refer to each other as those of an API do, and a walk ends. The
// numbers of the enum grow fast, as sparse ones do.
func (g *generator) resource(i int) {
	g.comment("", fmt.Sprintf("resource %d", i))
	g.line("message Resource%d {", i)
	g.comment("  ", "state")
	g.line("  enum State {")
	for v := range g.Values {
		g.comment("    ", fmt.Sprintf("state %d", v))
		g.line("    STATE_%d_%d = %d;", i, v, v*v*v*997)
	}
	g.line("  }")
	for f := range g.Fields {
		g.comment("  ", fmt.Sprintf("field %d", f))
		g.line("  %s field_%d = %d;", fieldKind(i, f, g.Resources), f, 1+f)
	}
	g.line("  State state = 100;")
	g.line("  oneof choice {")
	g.line("    string text = 101;")
	g.line("    google.protobuf.Any anything = 102;")
	g.line("    google.protobuf.Timestamp time = 103;")
	g.line("  }")
	g.line("}")
}

// fieldKind is the type of a field: the first two lead to other resources until there are no more, the others take turns
// through what schemas have, a map and an optional field among them.
func fieldKind(resource, field, resources int) string {
	if child := 2*resource + 1 + field; field < 2 && child < resources {
		return fmt.Sprintf("repeated Resource%d", child)
	}
	return []string{"optional string", "int64", "map<string, string>", "repeated bytes", "optional bool", "double"}[field%6]
}

// service writes a service with a request message of its own for each method, which returns one of the resources. The
// options are nested messages, as the largest ones of public APIs are.
func (g *generator) service(i int) {
	for m := range g.Methods {
		g.comment("", "request")
		g.line("message Do%dThing%dRequest {", m, i)
		for f, name := range []string{"project", "zone", "name"} {
			g.comment("  ", name)
			g.line("  string %s = %d;", name, f+1)
		}
		g.line("  Resource%d resource = 4;", (i*g.Methods+m)%g.Resources)
		g.line("}")
	}
	g.comment("", "service")
	g.line("service Things%d {", i)
	g.line("  option (google.api.default_host) = \"%s\";", g.Package)
	for m := range g.Methods {
		g.comment("  ", "method")
		g.line("  rpc Do%d(Do%dThing%dRequest) returns (Resource%d) {", m, m, i, (i*g.Methods+m)%g.Resources)
		g.line("    option (google.api.http) = {post: \"/v1/projects/{project}/zones/{zone}/things%d/{name}:do%d\" body: \"resource\"", i, m)
		g.line("      additional_bindings {get: \"/v1/{name}\"} additional_bindings {put: \"/v2/{name}\" body: \"*\"}};")
		g.line("    option (google.api.method_signature) = \"project,zone\";")
		g.line("    option (google.api.method_signature) = \"name\";")
		g.line("  }")
	}
	g.line("}")
}

// The custom options that such files have, as far as they use them.
// They are written here as far as they are used, since compilers bring the well-known files and not these.
const (
	annotations = `syntax = "proto3";
package google.api;
import "google/api/http.proto";
import "google/protobuf/descriptor.proto";
extend google.protobuf.MethodOptions {
  HttpRule http = 72295728;
}
`
	httpRule = `syntax = "proto3";
package google.api;
message HttpRule {
  string selector = 1;
  oneof pattern {
    string get = 2;
    string put = 3;
    string post = 4;
    string delete = 5;
    string patch = 6;
  }
  string body = 7;
  repeated HttpRule additional_bindings = 11;
}
`
	client = `syntax = "proto3";
package google.api;
import "google/protobuf/descriptor.proto";
extend google.protobuf.MethodOptions {
  repeated string method_signature = 1051;
}
extend google.protobuf.ServiceOptions {
  string default_host = 1049;
}
`
)
