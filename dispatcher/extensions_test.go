package dispatcher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/internal/schematest"
)

// note is a message with what no schema of it names: extensions, declared beside it and within another message, and a
// message of the same file in an Any.
const note = `{"name":"n", "mark":{"weight":-3}, "any":{"@type":"type.googleapis.com/case.ext.v1.Slip", "text":"y"},
	"[case.ext.v1.remark]":"x", "[case.ext.v1.nested]":[{"name":"m", "[case.ext.v1.remark]":"z"}],
	"[case.ext.v1.Outer.inner]":{"flag":true}, "[case.ext.v1.last]":"7"}`

func notesService(t testing.TB) protoreflect.ServiceDescriptor {
	t.Helper()
	return schematest.Build(t, schematest.Compile(t, schematest.Case(t, "extensions"), "notes.proto")...).Services().Get(0)
}

// hostNotes answers each note as it came, by its descriptor only. A note named fail is an error with a detail; seen gets
// the others as the handler has them.
func (n node) hostNotes(t testing.TB, service protoreflect.ServiceDescriptor, seen func(protoreflect.Message)) {
	t.Helper()
	err := n.RegisterDynamic("test", service, func(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
		method, _ := spec.Schema.(protoreflect.MethodDescriptor)
		for {
			in := dynamicpb.NewMessage(method.Input())
			if err := stream.Receive(in); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if in.Get(method.Input().Fields().ByName("name")).String() == "fail" {
				return slipError(method.ParentFile())
			}
			seen(in)
			if err := stream.Send(in); err != nil || !method.IsStreamingClient() {
				return err
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// slipError is a failure with a message of the file in its detail.
func slipError(file protoreflect.FileDescriptor) error {
	slip := dynamicpb.NewMessage(file.Messages().ByName("Slip"))
	slip.Set(slip.Descriptor().Fields().ByName("text"), protoreflect.ValueOfString("why"))
	detail, err := connectproto.NewErrorDetail(slip)
	if err != nil {
		return err
	}
	return connect.NewError(connect.CodeAborted, "it failed").WithDetail(detail)
}

// notesMesh is b, which hosts the notes, and a, which forwards to it and has learned their schema.
func notesMesh(t *testing.T, seen func(protoreflect.Message)) (a, b node, service protoreflect.ServiceDescriptor) {
	t.Helper()
	service = notesService(t)
	a, b = serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	b.hostNotes(t, service, seen)
	join(t, a, b)
	a.knows(t, "test", "/case.ext.v1.Notes/Echo")
	a.learns(t, "b")
	return a, b, service
}

// post sends JSON as curl does.
func (n node) post(t testing.TB, path, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := meshtest.HTTP2Client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

func sameJSON(t testing.TB, a, b string) bool {
	t.Helper()
	var one, other any
	if err := errors.Join(json.Unmarshal([]byte(a), &one), json.Unmarshal([]byte(b), &other)); err != nil {
		t.Errorf("%v: %s", err, a)
	}
	return reflect.DeepEqual(one, other)
}

func TestExtensions_JSONComesBackWhole(t *testing.T) {
	t.Parallel()
	a, b, _ := notesMesh(t, func(protoreflect.Message) {})
	for _, n := range []node{a, b} {
		if status, answer := n.post(t, "/case.ext.v1.Notes/Echo", note); status != http.StatusOK || !sameJSON(t, answer, note) {
			t.Errorf("at %s: %d, %s", n.ID(), status, answer)
		}
		unknown := `{"name":"n", "any":{"@type":"type.googleapis.com/case.ext.v1.Nobody"}}`
		if status, answer := n.post(t, "/case.ext.v1.Notes/Echo", unknown); status != http.StatusBadRequest || !strings.Contains(answer, "case.ext.v1.Nobody") {
			t.Errorf("an unknown type at %s: %d, %s", n.ID(), status, answer)
		}
		if status, answer := n.post(t, "/case.ext.v1.Notes/Echo", ""); status != http.StatusBadRequest || !strings.Contains(answer, "zero-length payload") {
			t.Errorf("nothing at %s: %d, %s", n.ID(), status, answer)
		}
	}
}

// notesTypes are the types of the case, as a client has them that was given its descriptors.
func notesTypes(service protoreflect.ServiceDescriptor) *dynamicpb.Types {
	return descriptor.NewTypes(service.ParentFile())
}

func parseNote(t testing.TB, service protoreflect.ServiceDescriptor) *dynamicpb.Message {
	t.Helper()
	message := dynamicpb.NewMessage(service.Methods().Get(0).Input())
	if err := (protojson.UnmarshalOptions{Resolver: notesTypes(service)}).Unmarshal([]byte(note), message); err != nil {
		t.Fatal(err)
	}
	return message
}

// In whatever protocol and codec a note comes, alone or in a stream, here or through a peer, the handler has its
// extensions and the client gets them back.
func TestExtensions_EveryProtocolAndKind(t *testing.T) {
	t.Parallel()
	remark := make(chan bool, 1)
	a, b, service := notesMesh(t, func(in protoreflect.Message) {
		has := false
		in.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
			has = has || field.FullName() == "case.ext.v1.remark" && value.String() == "x"
			return true
		})
		remark <- has && len(in.GetUnknown()) == 0
	})
	want := parseNote(t, service)
	codec := connectproto.NewJSONCodec(connectproto.WithTypeResolver(notesTypes(service)))
	for name, opts := range protocols {
		for _, n := range []node{a, b} {
			for i := range service.Methods().Len() {
				method := service.Methods().Get(i)
				opts := append(slices.Clone(opts), connecthttp.WithCodecs(connectproto.NewBinaryCodec(), codec))
				transport := connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address, opts...)
				got := callNotes(t, connect.NewClient(transport), method, want)
				if had := <-remark; !had || !proto.Equal(understood(t, service, got), want) {
					t.Errorf("%s of %s at %s: the handler had all: %v; the client got %v", method.Name(), name, n.ID(), had, got)
				}
			}
		}
	}
	for _, n := range []node{a, b} {
		got := callNotes(t, connect.NewClient(n.Transport("test")), service.Methods().Get(0), want)
		if had := <-remark; !had || !proto.Equal(understood(t, service, got), want) {
			t.Errorf("in the process of %s: the handler had all: %v; the client got %v", n.ID(), had, got)
		}
	}
}

// callNotes sends one note and returns the answer.
func callNotes(t *testing.T, client *connect.Client, method protoreflect.MethodDescriptor, in proto.Message) proto.Message {
	t.Helper()
	spec := connect.Spec{Procedure: "/case.ext.v1.Notes/" + string(method.Name()), Schema: method}
	if method.IsStreamingClient() {
		spec.StreamType = connect.StreamTypeBidi
	}
	stream, err := client.CallClientStream(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	out := dynamicpb.NewMessage(method.Output())
	if err := errors.Join(stream.Send(in), stream.CloseSend(), stream.Receive(out)); err != nil {
		t.Fatal(err)
	}
	return out
}

// understood is a note with its extensions, of which a binary client without their types keeps the bytes.
func understood(t testing.TB, service protoreflect.ServiceDescriptor, got proto.Message) proto.Message {
	t.Helper()
	data, err := proto.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	message := dynamicpb.NewMessage(service.Methods().Get(0).Output())
	if err := (proto.UnmarshalOptions{Resolver: notesTypes(service)}).Unmarshal(data, message); err != nil {
		t.Fatal(err)
	}
	return message
}

// Clients that know nothing of a schema learn its extensions by reflection, here and through a peer.
func TestExtensions_Reflection(t *testing.T) {
	t.Parallel()
	a, b, _ := notesMesh(t, func(protoreflect.Message) {})
	for _, n := range []node{a, b} {
		stream := n.reflectionOf(t)
		numbers, err := stream.AllExtensionNumbers("case.ext.v1.Note")
		if want := []protoreflect.FieldNumber{100, 101, 200, 536870911}; err != nil || !slices.Equal(numbers, want) {
			t.Errorf("numbers at %s: %v, %v", n.ID(), numbers, err)
		}
		files, err := stream.FileContainingExtension("case.ext.v1.Note", 200)
		if err != nil || files[0].GetName() != "notes.proto" {
			t.Errorf("file at %s: %v, %v", n.ID(), files, err)
		}
		if _, err := stream.FileContainingExtension("case.ext.v1.Note", 102); connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("an extension that nobody declares at %s: %v", n.ID(), err)
		}
		if numbers, err := stream.AllExtensionNumbers("case.ext.v1.Slip"); err != nil || len(numbers) != 0 {
			t.Errorf("of a message without any at %s: %v, %v", n.ID(), numbers, err)
		}
		if _, err := stream.AllExtensionNumbers("case.ext.v1.Nobody"); connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("of a message that nobody has at %s: %v", n.ID(), err)
		}
	}
}

// The detail of an error is JSON to Connect clients, whoever knows its type.
func TestExtensions_ErrorDetails(t *testing.T) {
	t.Parallel()
	a, b, _ := notesMesh(t, func(protoreflect.Message) {})
	for _, n := range []node{a, b} {
		status, answer := n.post(t, "/case.ext.v1.Notes/Echo", `{"name":"fail"}`)
		var failure struct {
			Code    string
			Details []struct {
				Type  string
				Debug map[string]string
			}
		}
		if err := json.Unmarshal([]byte(answer), &failure); err != nil {
			t.Fatal(err)
		}
		if status != http.StatusConflict || failure.Code != "aborted" || len(failure.Details) != 1 ||
			failure.Details[0].Type != "case.ext.v1.Slip" || failure.Details[0].Debug["text"] != "why" {
			t.Errorf("at %s: %d, %s", n.ID(), status, answer)
		}
	}
}

// An envelope in JSON holds a message of its namespace, there and back.
func TestExtensions_Envelopes(t *testing.T) {
	t.Parallel()
	a, b, _ := notesMesh(t, func(protoreflect.Message) {})
	input := strings.Replace(note, "{", `{"@type":"type.googleapis.com/case.ext.v1.Note", `, 1)
	for path, n := range map[string]node{"Dispatch": a, "Serve": b} {
		status, answer := n.post(t, "/collector.CollectiveDispatcher/"+path,
			`{"namespace":"test", "service":{"serviceName":"Notes"}, "methodName":"Echo", "input":`+input+`}`)
		var res struct{ Output json.RawMessage }
		if err := json.Unmarshal([]byte(answer), &res); err != nil {
			t.Fatal(err)
		}
		if status != http.StatusOK || !sameJSON(t, string(bytes.TrimSpace(res.Output)), input) {
			t.Errorf("%s: %d, %s", path, status, answer)
		}
	}
}

// An untyped handler gets a message of its namespace that no program has linked in.
func TestExtensions_UntypedHandlers(t *testing.T) {
	t.Parallel()
	_, b, service := notesMesh(t, func(protoreflect.Message) {})
	err := b.RegisterService("test", "Drawer", "Put", func(_ context.Context, input any) (any, error) { return input, nil })
	if err != nil {
		t.Fatal(err)
	}
	packed, err := anypb.New(parseNote(t, service))
	if err != nil {
		t.Fatal(err)
	}
	spec := connect.Spec{Procedure: "/Drawer/Put"}
	out := new(anypb.Any)
	if err := connect.NewClient(b.Transport("test")).CallUnary(t.Context(), spec, packed, out); err != nil || out.MessageName() != "case.ext.v1.Note" {
		t.Errorf("%v, %v", out, err)
	}
}
