package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/collectiverpc/collective/mesh"
)

// askGrpcurl asks with the schema in a file: by reflection it would find out itself that a method is missing.
func askGrpcurl(ctx context.Context, r *rig, w way) []result {
	flags := []string{"-max-time", "10", "-protoset", r.schema, "-plaintext"}
	if w.authority != "" {
		flags = []string{"-max-time", "10", "-protoset", r.schema, "-cacert", w.authority}
	}
	with := func(data string, more ...string) []string {
		return slices.Concat(flags, []string{"-d", data}, more, []string{w.address})
	}
	call := func(method, data string, more ...string) []string {
		return append(with(data, more...), service+"/"+method)
	}
	return tryAll(ctx, r.tools["grpcurl"], []question{
		{cell: unary, args: call("Echo", `{"text":"hi"}`), want: []string{`"hi on b"`}},
		{cell: serverStream, args: call("Count", `{"limit":3}`), want: []string{`{"number":"1"}{"number":"2"}{"number":"3"}`}},
		{cell: clientStream, args: call("Collect", tenNumbers()), want: []string{`"sum":"45"`}},
		{cell: bidi, args: call("Converse", `{"text":"one"}{"text":"two"}`), want: []string{`{"text":"one on b"}{"text":"two on b"}`}},
		{cell: deadline, args: call("Echo", `{"text":"remaining"}`), want: []string{`{"text":"`}},
		{cell: deadline, args: call("Echo", `{"text":"wait"}`, "-max-time", "0.3"), fails: true, want: []string{"DeadlineExceeded"}},
		{cell: metadata, args: call("Echo", `{"text":"hi"}`, "-v", "-H", "X-Echo: hello", "-H", "X-Echo-Bin: AAH+/w=="), want: []string{
			"x-echo-header: hello", "x-echo-header-bin: AAH+/w==", "x-echo-trailer: hello", "x-echo-trailer-bin: AAH+/w==",
		}},
		{cell: details, args: call("Fail", `{"code":9,"message":"why","detail":"more"}`), fails: true,
			want: []string{"FailedPrecondition", "Message: why", `"detail":"more"`}},
		{cell: unknownMethod, args: call(missing, `{"text":"hi"}`), fails: true, want: []string{"Unimplemented", "Message:", missing}},
		{cell: unknownNamespace, args: call("Echo", `{"text":"hi"}`, "-H", mesh.HeaderNamespace+": nowhere"), fails: true,
			want: []string{"NotFound", "nowhere"}},
	})
}

// askBufCurl asks by one of the protocols that buf curl speaks, with the schema in a file.
func askBufCurl(protocol string) asker {
	return func(ctx context.Context, r *rig, w way) []result {
		flags := []string{"curl", "--protocol", protocol, "--schema", r.schema}
		base := "https://" + w.address
		if w.authority == "" {
			flags, base = append(flags, "--http2-prior-knowledge"), "http://"+w.address
		} else {
			flags = append(flags, "--cacert", w.authority)
		}
		call := func(method, data string, more ...string) []string {
			return slices.Concat(flags, []string{"-d", data}, more, []string{base + "/" + service + "/" + method})
		}
		// It prints a detail as the bytes it came as: GgRtb3Jl is {"detail":"more"}.
		return tryAll(ctx, r.tools["buf"], []question{
			{cell: unary, args: call("Echo", `{"text":"hi"}`), want: []string{`"hi on b"`}},
			{cell: serverStream, args: call("Count", `{"limit":3}`), want: []string{`{"number":"1"}{"number":"2"}{"number":"3"}`}},
			{cell: clientStream, args: call("Collect", tenNumbers()), want: []string{`"sum":"45"`}},
			{cell: bidi, args: call("Converse", `{"text":"one"}{"text":"two"}`), want: []string{`{"text":"one on b"}{"text":"two on b"}`}},
			{cell: deadline, args: call("Echo", `{"text":"remaining"}`, "--timeout", "5s"), want: []string{`{"text":"`}},
			{cell: deadline, args: call("Echo", `{"text":"wait"}`, "--timeout", "300ms"), fails: true, want: []string{"deadline"}},
			{cell: metadata, args: call("Echo", `{"text":"hi"}`, "-v", "-H", "X-Echo: hello", "-H", "X-Echo-Bin: AAH+/w"), want: []string{
				"X-Echo-Header: hello", "X-Echo-Header-Bin: AAH+/w", "X-Echo-Trailer: hello", "X-Echo-Trailer-Bin: AAH+/w",
			}},
			{cell: details, args: call("Fail", `{"code":9,"message":"why","detail":"more"}`), fails: true,
				want: []string{`"failed_precondition"`, `"why"`, "GgRtb3Jl"}},
			{cell: unknownMethod, args: call(missing, `{"text":"hi"}`), fails: true, want: []string{`"unimplemented"`, missing}},
			{cell: unknownNamespace, args: call("Echo", `{"text":"hi"}`, "-H", mesh.HeaderNamespace+": nowhere"), fails: true,
				want: []string{`"not_found"`, "nowhere"}},
		})
	}
}

// tenNumbers add up to 45.
func tenNumbers() (messages string) {
	for n := range 10 {
		messages += fmt.Sprintf(`{"number":%d}`, n)
	}
	return messages
}
