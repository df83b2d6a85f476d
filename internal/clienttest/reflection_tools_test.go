package clienttest_test

import (
	"strings"
	"testing"
)

// grpcurl and buf curl list, describe and call, by reflection alone, methods that run on the other collector.
func TestReflectionTools(t *testing.T) {
	a, b := startHost(t)
	const service = "collector.testing.v1.EchoService"
	plain := "http://" + a
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"grpcurl list", []string{"grpcurl", "-plaintext", a, "list"}, []string{service, "collector.CollectiveDispatcher", "grpc.health.v1.Health"}},
		{"grpcurl list, of a namespace", []string{"grpcurl", "-plaintext", "-reflect-header", "Collective-Namespace: test", a, "list"}, []string{service}},
		{"grpcurl list, of a collector", []string{"grpcurl", "-plaintext", "-reflect-header", "Collective-Target: b", a, "list"}, []string{service}},
		{"grpcurl list methods", []string{"grpcurl", "-plaintext", a, "list", service}, []string{service + ".Echo", service + ".Converse"}},
		{"grpcurl describe", []string{"grpcurl", "-plaintext", a, "describe", service}, []string{"rpc Echo ( .collector.testing.v1.EchoRequest ) returns ( .collector.testing.v1.EchoResponse )"}},
		{"grpcurl describe message", []string{"grpcurl", "-plaintext", a, "describe", "collector.testing.v1.EchoRequest"}, []string{"string text = 1"}},
		{"grpcurl call", []string{"grpcurl", "-plaintext", "-d", `{"text":"hi"}`, a, service + "/Echo"}, []string{`"text": "hi on b"`}},
		{"grpcurl call, server stream", []string{"grpcurl", "-plaintext", "-d", `{"limit":2}`, a, service + "/Count"}, []string{`"number": "1"`, `"number": "2"`}},
		{"grpcurl call, health", []string{"grpcurl", "-plaintext", "-d", `{"service":"` + service + `"}`, a, "grpc.health.v1.Health/Check"}, []string{"SERVING"}},
		{"buf curl list", []string{"buf", "curl", "--http2-prior-knowledge", "--list-services", plain}, []string{service}},
		{"buf curl list methods", []string{"buf", "curl", "--http2-prior-knowledge", "--list-methods", plain}, []string{service + "/Echo"}},
		{"buf curl call, connect", []string{"buf", "curl", "--http2-prior-knowledge", "-d", `{"text":"hi"}`, plain + "/" + service + "/Echo"}, []string{`"text": "hi on b"`}},
		{"buf curl call, grpc", []string{"buf", "curl", "--http2-prior-knowledge", "--protocol", "grpc", "-d", `{"text":"hi"}`, plain + "/" + service + "/Echo"}, []string{`"text": "hi on b"`}},
		{"buf curl call, grpc-web", []string{"buf", "curl", "--http2-prior-knowledge", "--protocol", "grpcweb", "-d", `{"text":"hi"}`, plain + "/" + service + "/Echo"}, []string{`"text": "hi on b"`}},
		{"buf curl call, in a namespace", []string{"buf", "curl", "--http2-prior-knowledge", "-d", `{"text":"hi"}`, plain + "/ns/test/" + service + "/Echo"}, []string{`"text": "hi on b"`}},
		{"buf curl call, health", []string{"buf", "curl", "--http2-prior-knowledge", "--protocol", "grpcweb", "-d", `{"service":"` + service + `"}`, plain + "/grpc.health.v1.Health/Check"}, []string{`SERVING`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, problems, err := runTool(t, tt.args[0], tt.args[1:]...)
			if err != nil {
				t.Fatalf("%v\n%s%s", err, out, problems)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("want %s in\n%s", want, out)
				}
			}
		})
	}
	for _, address := range []string{a, b} { // with extensions, and a message of the same file in an Any
		note := `{"name":"n","any":{"@type":"type.googleapis.com/case.ext.v1.Slip","text":"y"},"[case.ext.v1.remark]":"x","[case.ext.v1.Outer.inner]":{"flag":true}}`
		answersJSON(t, note, "grpcurl", "-plaintext", "-d", note, address, "case.ext.v1.Notes/Echo")
		out, problems, err := runTool(t, "grpcurl", "-plaintext", address, "describe", "case.ext.v1.remark")
		if err != nil || !strings.Contains(out, "extend .case.ext.v1.Note") {
			t.Errorf("describe an extension at %s: %s, %v %s", address, out, err, problems)
		}
	}
	_, problems, err := runTool(t, "grpcurl", "-plaintext", "-reflect-header", "Collective-Namespace: nowhere", a, "list")
	if err == nil || !strings.Contains(problems, `has no namespace "nowhere"`) {
		t.Errorf("unknown namespace: %v, %s", err, problems)
	}
}
