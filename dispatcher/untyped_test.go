package dispatcher_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

type account struct {
	Name  string         `json:"name"`
	Tags  []string       `json:"tags,omitempty"`
	Since time.Time      `json:"since"`
	Extra map[string]any `json:"extra,omitempty"`
	inner int
}

type (
	level  int
	userID string
)

// untypedPair are two linked collectors of which b serves what an untyped handler returns.
func untypedPair(t *testing.T, handler func(ctx context.Context, input any) (any, error)) (nodes []node) {
	t.Helper()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	if err := b.RegisterService("test", "S", "M", handler); err != nil {
		t.Fatal(err)
	}
	join(t, a, b)
	a.knows(t, "test", "/S/M")
	return []node{a, b}
}

func dispatchAny(t *testing.T, n node, input proto.Message) *collector.DispatchResponse {
	t.Helper()
	req := &collector.DispatchRequest{Namespace: "test", Service: &collector.ServiceTypeRef{ServiceName: "S"}, MethodName: "M"}
	if input != nil {
		req.Input = pack(t, input)
	}
	res, err := n.rpc(t).Dispatch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestUntyped_OutputsThatFitAValue(t *testing.T) {
	t.Parallel()
	name := "ann"
	tests := map[string]struct {
		output any
		json   string // of a google.protobuf.Value
		want   proto.Message
	}{
		"a map":                       {output: map[string]any{"id": 7, "ok": true, "none": nil}, json: `{"id":7,"ok":true,"none":null}`},
		"a typed map":                 {output: map[string]int{"a": 1}, json: `{"a":1}`},
		"a map with other keys":       {output: map[int]string{1: "one"}, json: `{"1":"one"}`},
		"a nil map":                   {output: map[string]any(nil), json: `null`},
		"a slice":                     {output: []any{"a", 1, nil, []byte{0xff}}, json: `["a",1,null,"/w=="]`},
		"a typed slice":               {output: []string{"a", "b"}, json: `["a","b"]`},
		"an array":                    {output: [2]bool{true, false}, json: `[true,false]`},
		"a struct":                    {output: account{Name: "ann", Since: time.Unix(0, 0).UTC(), inner: 1}, json: `{"name":"ann","since":"1970-01-01T00:00:00Z"}`},
		"a pointer to a struct":       {output: &account{Tags: []string{"x"}, Extra: map[string]any{"n": 1.5}}, json: `{"name":"","tags":["x"],"since":"0001-01-01T00:00:00Z","extra":{"n":1.5}}`},
		"a slice of structs":          {output: []account{{Name: "a"}}, json: `[{"name":"a","since":"0001-01-01T00:00:00Z"}]`},
		"messages in a map":           {output: map[string]proto.Message{"d": durationpb.New(time.Second), "e": &testingv1.EchoRequest{Text: "hi"}}, json: `{"d":"1s","e":{"text":"hi"}}`},
		"messages in a slice":         {output: []*testingv1.EchoRequest{{Text: "hi"}}, json: `[{"text":"hi"}]`},
		"a time":                      {output: time.Unix(0, 0).UTC(), json: `"1970-01-01T00:00:00Z"`},
		"a pointer to a scalar":       {output: &name, json: `"ann"`},
		"a float32":                   {output: []float32{0.1}, json: `[0.1]`},
		"a whole number of many bits": {output: []int64{1 << 53, 1 << 60, -1 << 62}, json: `[9007199254740992,1152921504606846976,-4611686018427387904]`},
		"a string of a named type":    {output: userID("u"), want: wrapperspb.String("u")},
		"a number of a named type":    {output: level(3), want: wrapperspb.Int64(3)},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			if tt.json != "" {
				value := new(structpb.Value)
				if err := protojson.Unmarshal([]byte(tt.json), value); err != nil {
					t.Fatal(err)
				}
				want = value
			}
			for _, n := range untypedPair(t, func(context.Context, any) (any, error) { return tt.output, nil }) {
				res := dispatchAny(t, n, nil)
				if diff := cmp.Diff(pack(t, want), res.GetOutput(), protocmp.Transform()); diff != "" || res.GetStatus().GetMessage() != "OK" {
					t.Errorf("at %s: %v (-want +got):\n%s", n.ID(), res.GetStatus(), diff)
				}
			}
		})
	}
}

func TestUntyped_OutputsThatDoNotFit(t *testing.T) {
	t.Parallel()
	circle := map[string]any{}
	circle["self"] = circle
	for what, tt := range map[string]struct {
		output any
		says   string
	}{
		"a function":              {func() {}, "is a func()"},
		"a channel deep inside":   {map[string]any{"a": []any{1, make(chan int)}}, "at .a.1 is a chan int"},
		"a number that is none":   {[]float64{math.NaN()}, "at .0 is a float64"},
		"an integer of many bits": {map[string]any{"id": int64(1<<53 + 1)}, "at .id is 9007199254740993, which has more digits"},
		"one in a struct":         {struct{ ID uint64 }{math.MaxUint64}, "at .ID is 18446744073709551615"},
		"bytes in a string":       {map[string]any{"s": "\xff"}, "at .s is a string that is not UTF-8"},
		"bytes in a key":          {map[string]any{"\xff": 1}, "not UTF-8"},
		"a circle":                {circle, "nests deeper than 100"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for _, n := range untypedPair(t, func(context.Context, any) (any, error) { return tt.output, nil }) {
				got := dispatchAny(t, n, nil).GetStatus()
				if got.GetCode() != 500 || !strings.Contains(got.GetMessage(), tt.says) || !strings.Contains(got.GetMessage(), fmt.Sprintf("returned a %T", tt.output)) || len(got.GetMessage()) > 1000 {
					t.Errorf("at %s: %v, want %q", n.ID(), got, tt.says)
				}
			}
		})
	}
}

func TestUntyped_InputsArriveAsGoValues(t *testing.T) {
	t.Parallel()
	made, err := structpb.NewStruct(map[string]any{"a": []any{"x", 1.5, nil, true}})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan any, 1)
	nodes := untypedPair(t, func(_ context.Context, input any) (any, error) { got <- input; return input, nil })
	for what, tt := range map[string]struct {
		input proto.Message
		want  any
	}{
		"Struct":         {made, map[string]any{"a": []any{"x", 1.5, nil, true}}},
		"ListValue":      {made.GetFields()["a"].GetListValue(), []any{"x", 1.5, nil, true}},
		"Value, a map":   {structpb.NewStructValue(made), map[string]any{"a": []any{"x", 1.5, nil, true}}},
		"Value, a text":  {structpb.NewStringValue("x"), "x"},
		"Value, nothing": {structpb.NewNullValue(), nil},
		"an Any":         {pack(t, wrapperspb.Bool(true)), pack(t, wrapperspb.Bool(true))},
	} {
		for _, n := range nodes {
			res := dispatchAny(t, n, tt.input)
			if res.GetStatus().GetCode() != 200 {
				t.Fatalf("%s at %s: %v", what, n.ID(), res.GetStatus())
			}
			if diff := cmp.Diff(tt.want, <-got, protocmp.Transform()); diff != "" {
				t.Errorf("%s at %s (-want +got):\n%s", what, n.ID(), diff)
			}
		}
	}
}

// The seed answers a handler's error with its text. Typed handlers keep connect's rule.
func TestUntyped_TextOfAnErrorReachesTheCaller(t *testing.T) {
	t.Parallel()
	refused := connect.NewError(connect.CodeNotFound, "no such user").WithDetail(&connect.ErrorDetail{Type: "google.protobuf.Empty"})
	for what, tt := range map[string]struct {
		err     error
		number  int32
		code    connect.Code
		text    string
		details int
	}{
		"any error":            {errors.New("the disk is full"), 500, connect.CodeUnknown, "the disk is full", 0},
		"one with a cause":     {fmt.Errorf("load: %w", http.ErrNoCookie), 500, connect.CodeUnknown, "load: " + http.ErrNoCookie.Error(), 0},
		"a connect error":      {refused, 404, connect.CodeNotFound, "no such user", 1},
		"one that is wrapped":  {fmt.Errorf("load user 7: %w", refused), 404, connect.CodeNotFound, "load user 7: not_found: no such user", 1},
		"its own time is over": {fmt.Errorf("query: %w", context.DeadlineExceeded), 504, connect.CodeDeadlineExceeded, "query: context deadline exceeded", 0},
		"its own cancellation": {fmt.Errorf("query: %w", context.Canceled), 499, connect.CodeCanceled, "query: context canceled", 0},
		"a long text":          {errors.New(strings.Repeat("x", 9<<10)), 500, connect.CodeUnknown, strings.Repeat("x", 4<<10) + "… (5120 more bytes in the log)", 0},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for _, n := range untypedPair(t, func(context.Context, any) (any, error) { return nil, tt.err }) {
				got := dispatchAny(t, n, nil).GetStatus()
				if got.GetCode() != tt.number || got.GetMessage() != tt.text || got.GetDetails()["reason"] != "handler_error" {
					t.Errorf("Dispatch at %s: %v", n.ID(), got)
				}
				spec := connect.Spec{Procedure: "/S/M"}
				for way, transport := range map[string]connect.Transport{"native": connecthttp.NewTransport(meshtest.HTTP2Client(t), "http://"+n.Address), "in process": n.Transport("test")} {
					err := connect.NewClient(transport).CallUnary(t.Context(), spec, &anypb.Any{}, &anypb.Any{})
					own, ok := errors.AsType[*connect.Error](err)
					if !ok || own.Code() != tt.code || own.Message() != tt.text || len(own.Details()) != tt.details {
						t.Errorf("%s at %s: %v", way, n.ID(), err)
					}
				}
			}
		})
	}
}
