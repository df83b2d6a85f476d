package cli_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/internal/schematest"
)

// Extensions, and what an Any holds, go to a method and come back, in all stream kinds; describe shows which there are.
func TestExtensions(t *testing.T) {
	t.Parallel()
	a := meshtest.Serve(t, "a", []string{"test"})
	service := schematest.Build(t, schematest.Compile(t, schematest.Case(t, "extensions"), "notes.proto")...).Services().Get(0)
	err := a.RegisterDynamic("test", service, func(_ context.Context, spec connect.Spec, stream connect.ServerStream) error {
		method, _ := spec.Schema.(protoreflect.MethodDescriptor)
		in := dynamicpb.NewMessage(method.Input())
		for err := stream.Receive(in); !errors.Is(err, io.EOF); err = stream.Receive(in) {
			if err := errors.Join(err, stream.Send(in)); err != nil || !method.IsStreamingClient() {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const note = `{"name":"n","[case.ext.v1.remark]":"x","[case.ext.v1.Outer.inner]":{"flag":true},"any":{"@type":"type.googleapis.com/case.ext.v1.Slip","text":"y"}}`
	for _, method := range []string{"Echo", "Chat"} {
		for format, words := range map[string][]string{
			"json": {`"[case.ext.v1.remark]"`, `"[case.ext.v1.Outer.inner]"`, `"y"`},
			"text": {`[case.ext.v1.remark]: "x"`, "[case.ext.v1.Outer.inner]", `text: "y"`},
		} {
			got := shell{}.on(t, "http://"+a.Address, "call", "case.ext.v1.Notes/"+method, "-d", note, "--format", format)
			got.expect(t, 0)
			for _, word := range words {
				if !strings.Contains(got.out, word) {
					t.Errorf("%s as %s: no %s in %s", method, format, word, got.out)
				}
			}
		}
	}
	got := shell{}.on(t, "http://"+a.Address, "services", "describe", "case.ext.v1.Note")
	for _, line := range []string{"required string name = 1;", "extensions 100 to max;", "// [case.ext.v1.Outer.inner]", "optional case.ext.v1.Outer inner = 200;", "optional int64 last = 536870911;"} {
		if !strings.Contains(got.out, line) {
			t.Errorf("describe: no %s in\n%s", line, got.out)
		}
	}
	if got := (shell{}).on(t, "http://"+a.Address, "services", "describe", "case.ext.v1.remark"); !strings.Contains(got.out, "extend case.ext.v1.Note {\n  optional string remark = 100;\n}") {
		t.Errorf("describe an extension: %s%s", got.out, got.err)
	}
}
