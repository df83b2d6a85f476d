package registry_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
)

type fileProto = descriptorpb.FileDescriptorProto

// hostileFile is a request that must be refused.
type hostileFile struct {
	name  string
	files func() []*fileProto // the first is the file, the others its dependencies
	code  connect.Code
	kind  error
	texts []string
}

func one(file *fileProto) func() []*fileProto {
	return func() []*fileProto { return []*fileProto{file} }
}

func hostileFiles() []hostileFile {
	malformed, tooLarge := connect.CodeInvalidArgument, connect.CodeResourceExhausted
	return []hostileFile{
		{"no file", one(nil), malformed, registry.ErrMalformed, []string{"missing"}},
		{"empty file", one(&fileProto{}), malformed, registry.ErrMalformed, []string{"file path"}},
		{"10 000 nested messages", nested(10_000), tooLarge, registry.ErrTooLarge, []string{"deeper than 32"}},
		{"33 nested messages", nested(33), tooLarge, registry.ErrTooLarge, []string{"deeper than 32"}},
		{"10^6 fields", many1M(addFields), tooLarge, registry.ErrTooLarge, []string{"more than 50000"}},
		{"10^6 messages", many1M(addMessages), tooLarge, registry.ErrTooLarge, []string{"more than 50000"}},
		{"10^6 enum values", many1M(addEnumValues), tooLarge, registry.ErrTooLarge, []string{"more than 50000"}},
		{"10^6 methods", many1M(addMethods), tooLarge, registry.ErrTooLarge, []string{"more than 50000"}},
		{"10^6 imports", many1M(addImports), tooLarge, registry.ErrTooLarge, []string{"1000000 imports"}},
		{"10^6 reserved names", many1M(addReserved), tooLarge, registry.ErrTooLarge, []string{"more than 50000"}},
		{"2 MiB of a name", one(protoFile("a", "a", typed("M", strings.Repeat("x", 2<<20)))), tooLarge, registry.ErrTooLarge, []string{"at most 2097152"}},
		{"huge name", one(protoFile("a", "a", message(strings.Repeat("M", 100_000)))), malformed, registry.ErrMalformed, []string{"is not a name"}},
		{"huge package", one(&fileProto{Name: proto.String("a"), Package: proto.String(strings.Repeat("a.", 10_000) + "a")}), malformed, registry.ErrMalformed, []string{"package"}},
		{"huge path", one(&fileProto{Name: proto.String(strings.Repeat("a/", 10_000) + "a")}), malformed, registry.ErrMalformed, []string{"file path"}},
		{"path out of the tree", one(&fileProto{Name: proto.String("../etc/passwd")}), malformed, registry.ErrMalformed, []string{"file path"}},
		{"absolute path", one(&fileProto{Name: proto.String("/etc/passwd")}), malformed, registry.ErrMalformed, []string{"file path"}},
		{"path with NUL", one(&fileProto{Name: proto.String("a\x00.proto")}), malformed, registry.ErrMalformed, []string{"file path"}},
		{"invalid UTF-8 in a path", one(&fileProto{Name: proto.String("a\xff.proto")}), malformed, registry.ErrMalformed, []string{"file path"}},
		{"invalid UTF-8 in a name", one(protoFile("a", "a", message("M\xff"))), malformed, registry.ErrMalformed, []string{"is not a name"}},
		{"invalid UTF-8 in a comment", one(protoFile("a", "a", comment("\xff", 4, 0))), malformed, registry.ErrMalformed, []string{"leading_comments is not valid UTF-8"}},
		{"name with a dot", one(protoFile("a", "a", message("M.N"))), malformed, registry.ErrMalformed, []string{"is not a name"}},
		{"empty name", one(protoFile("a", "a", message(""))), malformed, registry.ErrMalformed, []string{"is not a name"}},
		{"field without a name", one(protoFile("a", "a", message("M", ""))), malformed, registry.ErrMalformed, []string{"field"}},
		{"duplicate message", one(protoFile("a", "a", message("M"), message("M"))), malformed, registry.ErrMalformed, []string{"a/a.proto"}},
		{"duplicate field", one(protoFile("a", "a", message("M", "x", "x"))), malformed, registry.ErrMalformed, []string{"a/a.proto"}},
		{"duplicate number", one(protoFile("a", "a", message("M", "x", "y"), sameNumber)), malformed, registry.ErrMalformed, []string{"a/a.proto"}},
		{"unknown type", one(protoFile("a", "a", typed("M", "b.Nowhere"))), malformed, registry.ErrMalformed, []string{"b.Nowhere"}},
		{"unknown method type", one(protoFile("a", "a", service("S", "b.Nowhere", "Do"))), malformed, registry.ErrMalformed, []string{"b.Nowhere"}},
		{"unknown syntax", one(protoFile("a", "a", func(f *fileProto) { f.Syntax = proto.String("proto9") })), malformed, registry.ErrMalformed, []string{"proto9"}},
		{"wrong public import", one(protoFile("a", "a", func(f *fileProto) { f.PublicDependency = []int32{7} })), malformed, registry.ErrMalformed, []string{"a/a.proto"}},
		{"wrong oneof", one(protoFile("a", "a", message("M", "x"), func(f *fileProto) { f.MessageType[0].Field[0].OneofIndex = proto.Int32(-5) })), malformed, registry.ErrMalformed, []string{"a/a.proto"}},
		{"imports itself", one(protoFile("a", "a", imports("a/a.proto"))), malformed, registry.ErrMalformed, []string{"import cycle: a/a.proto → a/a.proto"}},
		{"cycle of three", func() []*fileProto {
			return []*fileProto{
				protoFile("a", "a", imports("b/b.proto")), protoFile("b", "b", imports("c/c.proto")), protoFile("c", "c", imports("a/a.proto")),
			}
		}, malformed, registry.ErrMalformed, []string{"import cycle: a/a.proto → b/b.proto → c/c.proto → a/a.proto"}},
		{"every missing import is named", func() []*fileProto {
			return []*fileProto{protoFile("a", "a", imports("b/b.proto", "x.proto", "y.proto")), protoFile("b", "b", imports("z.proto"))}
		}, malformed, registry.ErrMalformed, []string{`a/a.proto imports "x.proto"`, `a/a.proto imports "y.proto"`, `b/b.proto imports "z.proto"`}},
		{"not imported", func() []*fileProto {
			return []*fileProto{protoFile("c", "c", typed("M", "b.N")), protoFile("b", "b", message("N"))}
		}, malformed, registry.ErrMalformed, []string{`"b/b.proto" is not imported`}},
		{"imports 33 deep", chain(33), tooLarge, registry.ErrTooLarge, []string{"imports are nested deeper than 32"}},
		{"65 dependencies", chain(66), tooLarge, registry.ErrTooLarge, []string{"65 files come along"}},
		{"one file twice, differently", func() []*fileProto {
			return []*fileProto{protoFile("a", "a", message("M")), protoFile("a", "a", message("N"))}
		}, connect.CodeAlreadyExists, registry.ErrConflict, []string{"a/a.proto comes twice"}},
		{"one name in two files", func() []*fileProto {
			return []*fileProto{protoFile("a", "a", message("M")), protoFile("a", "b", message("M"))}
		}, connect.CodeAlreadyExists, registry.ErrConflict, []string{"a.M is declared in both a/a.proto and a/b.proto"}},
		{"package with the name of a message", func() []*fileProto {
			return []*fileProto{protoFile("a", "a", message("b")), {Name: proto.String("b.proto"), Package: proto.String("a.b")}}
		}, connect.CodeAlreadyExists, registry.ErrConflict, []string{"a.b"}},
		{"protobuf's own package", one(&fileProto{Name: proto.String("mine.proto"), Package: proto.String("google.protobuf")}), connect.CodePermissionDenied, registry.ErrReserved, []string{"belongs to protobuf itself"}},
		{"below protobuf's own package", one(&fileProto{Name: proto.String("mine.proto"), Package: proto.String("google.protobuf.compiler")}), connect.CodePermissionDenied, registry.ErrReserved, nil},
		{"several reasons at once", func() []*fileProto {
			return []*fileProto{protoFile("a", "a", imports("x.proto")), protoFile("b", "b", message("M.")), protoFile("c", "c", message(strings.Repeat("x", 3_000_000)))}
		}, tooLarge, registry.ErrMalformed, []string{"x.proto", "M.", "c/c.proto"}},
	}
}

func nested(depth int) func() []*fileProto {
	return func() []*fileProto {
		m := &descriptorpb.DescriptorProto{Name: proto.String("M")}
		for range depth - 1 {
			m = &descriptorpb.DescriptorProto{Name: proto.String("M"), NestedType: []*descriptorpb.DescriptorProto{m}}
		}
		file := protoFile("a", "a")
		file.MessageType = append(file.MessageType, m)
		return []*fileProto{file}
	}
}

func many1M(add func(file *fileProto, n int)) func() []*fileProto {
	return func() []*fileProto {
		file := protoFile("a", "a", message("M"), service("S", "a.M"))
		file.EnumType = append(file.EnumType, &descriptorpb.EnumDescriptorProto{Name: proto.String("E")})
		file.SourceCodeInfo = new(descriptorpb.SourceCodeInfo)
		add(file, 1_000_000)
		return []*fileProto{file}
	}
}

func repeat[T any](element *T, n int) []*T {
	list := make([]*T, n)
	for i := range list {
		list[i] = element
	}
	return list
}

func addFields(file *fileProto, n int) {
	file.MessageType[0].Field = repeat(&descriptorpb.FieldDescriptorProto{Name: proto.String("f")}, n)
}
func addMessages(file *fileProto, n int) {
	file.MessageType = repeat(&descriptorpb.DescriptorProto{Name: proto.String("M")}, n)
}
func addEnumValues(file *fileProto, n int) {
	file.EnumType[0].Value = repeat(&descriptorpb.EnumValueDescriptorProto{Name: proto.String("V")}, n)
}
func addMethods(file *fileProto, n int) {
	file.Service[0].Method = repeat(&descriptorpb.MethodDescriptorProto{Name: proto.String("Do")}, n)
}
func addImports(file *fileProto, n int) {
	file.Dependency = strings.Split(strings.Repeat("x", n), "")[:n]
}
func addReserved(file *fileProto, n int) {
	file.MessageType[0].ReservedName = strings.Split(strings.Repeat("x", n), "")[:n]
}
func addLocations(file *fileProto, n int) {
	file.SourceCodeInfo.Location = repeat(&descriptorpb.SourceCodeInfo_Location{Span: []int32{1, 2, 3}}, n)
}

func sameNumber(file *fileProto) { file.MessageType[0].Field[1].Number = proto.Int32(1) }

// chain is n files of which each imports the next.
func chain(n int) func() []*fileProto {
	return func() []*fileProto {
		files := make([]*fileProto, n)
		for i := range files {
			files[i] = protoFile(fmt.Sprintf("p%d", i), "f")
			if i < n-1 {
				files[i].Dependency = []string{fmt.Sprintf("p%d/f.proto", i+1)}
			}
		}
		return files
	}
}

// TestHostileFilesAreRefused also measures: a refusal costs little time and memory, however large the request.
func TestHostileFilesAreRefused(t *testing.T) {
	for _, tt := range hostileFiles() {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegistry(t)
			files := tt.files()
			req := &collector.RegisterProtoRequest{Namespace: "n", FileDescriptor: files[0], Dependencies: files[1:]}
			before := revision(t, r)

			start, allocated := time.Now(), totalAlloc()
			_, err := r.RegisterProto(t.Context(), req)
			allocated, took := totalAlloc()-allocated, time.Since(start)

			checkError(t, err, tt.code, tt.kind, tt.texts...)
			if len(err.Error()) > 20_000 {
				t.Errorf("the refusal has %d bytes", len(err.Error()))
			}
			if allocated > 4<<20 {
				t.Errorf("the refusal allocated %d bytes", allocated)
			}
			if took > time.Second { // 10 ms on a machine that does nothing else
				t.Errorf("the refusal took %v", took)
			}
			if revision(t, r) != before {
				t.Error("a refused request changed the registry")
			}
		})
	}
}

func totalAlloc() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

func TestLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		limits registry.Limits
		last   *fileProto // refused after "a/a.proto" and "b/b.proto" in namespaces n and m
		text   string
	}{
		{"bytes of a file", registry.Limits{FileBytes: 100}, protoFile("c", "c", message("M", numbered("f", 20)...)), "at most 100"},
		{"dependencies", registry.Limits{Dependencies: 1}, protoFile("c", "c", imports("a/a.proto", "b/b.proto")), "2 imports, at most 1"},
		{"depth", registry.Limits{Depth: 1}, protoFile("c", "c", imports("a/a.proto")), "deeper than 1"},
		{"fields", registry.Limits{Fields: 5}, protoFile("c", "c", message("M", numbered("f", 5)...)), "more than 5"},
		{"files", registry.Limits{Files: 2}, protoFile("c", "c"), "would hold 3 files"},
		{"bytes of all", registry.Limits{TotalBytes: 150}, protoFile("c", "c", message("M", numbered("f", 9)...)), "there is room for"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t, registry.WithLimits(tt.limits))
			for _, namespace := range []string{"n", "m"} {
				registerProto(t, r, namespace, protoFile("a", "a", message("A")))
				registerProto(t, r, namespace, protoFile("b", "b", message("B")))
			}
			_, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{Namespace: "n", FileDescriptor: tt.last})
			checkError(t, err, connect.CodeResourceExhausted, registry.ErrTooLarge, tt.text)
		})
	}
}

func TestLimitOfNamespaces(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, registry.WithLimits(registry.Limits{Namespaces: 2}))
	registerProto(t, r, "a", protoFile("a", "a"))
	registerProto(t, r, "b", protoFile("a", "a"))
	registerProto(t, r, "b", protoFile("b", "b"))
	_, err := r.RegisterProto(t.Context(), &collector.RegisterProtoRequest{Namespace: "c", FileDescriptor: protoFile("a", "a")})
	checkError(t, err, connect.CodeResourceExhausted, registry.ErrTooLarge, "2 namespaces")
}

// Comments count in no limit: those of which there are more than anybody reads are left out, which is said.
func TestCommentsAreNoReasonToRefuse(t *testing.T) {
	t.Parallel()
	plain := protoFile("a", "a", message("M"), service("S", "a.M"))
	locations, comments := proto.CloneOf(plain), proto.CloneOf(plain)
	locations.SourceCodeInfo, comments.SourceCodeInfo = new(descriptorpb.SourceCodeInfo), new(descriptorpb.SourceCodeInfo)
	addLocations(locations, 1_000_000)
	addLocations(comments, 1_000_000)
	comments.SourceCodeInfo.Location[0].LeadingComments = proto.String("x")
	text := strings.Repeat("x", 1<<20)
	for name, tt := range map[string]struct {
		file *fileProto
		kept string // the comment
		told bool
	}{
		"10^6 words":        {locations, "", false},
		"10^6 comments":     {comments, "", true},
		"1 MiB of comment":  {protoFile("a", "a", message("M"), service("S", "a.M"), comment(text, 4, 0)), text, false},
		"20 MiB of comment": {protoFile("a", "a", message("M"), service("S", "a.M"), comment(strings.Repeat(text, 20), 4, 0)), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			report := registerProto(t, r, "n", tt.file).GetReport()
			registerService(t, r, "n", plain) // whose file has no comments: those that are there stay
			res, err := r.LookupService(t.Context(), &collector.LookupServiceRequest{Namespace: "n", ServiceName: "S", IncludeFiles: true})
			if err != nil {
				t.Fatal(err)
			}
			var kept string
			for _, location := range res.GetFiles().GetFile()[0].GetSourceCodeInfo().GetLocation() {
				kept += location.GetLeadingComments()
			}
			if kept != tt.kept || strings.Contains(report.String(), "without its comments") != tt.told {
				t.Errorf("%d bytes of comments are kept, want %d; report: %.200v", len(kept), len(tt.kept), report)
			}
		})
	}
}

// The largest file that is allowed is really accepted, and in bounded time.
func TestLargestFileIsAccepted(t *testing.T) {
	t.Parallel()
	file := protoFile("a", "a")
	for i := range 490 {
		message(fmt.Sprintf("M%d", i), numbered("f", 100)...)(file)
	}
	registerProto(t, newRegistry(t), "n", file)
}

// A copy of a well-known file that comes along is not looked at: images of compilers contain them.
func TestWellKnownFilesComeAlong(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	fake := &fileProto{Name: proto.String("google/protobuf/any.proto"), Package: proto.String("google.protobuf")}
	for _, path := range []string{"any", "api", "descriptor", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type", "wrappers"} {
		registerProto(t, r, "n", protoFile("a", path, imports("google/protobuf/"+path+".proto")), fake)
	}
	registerProto(t, r, "n", protoFile("a", "a", imports("google/protobuf/any.proto"), typed("M", "google.protobuf.Any")))
}
