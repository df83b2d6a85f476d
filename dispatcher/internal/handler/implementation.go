package handler

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
)

// Bind makes the methods of a service of a Go value that has the generated handler interface of the service, see
// dispatcher.RegisterImplementation. problems are all that keep it from that.
// implementation needs no generated registration, so a value of another module's generated code is taken as well, as long
// as its messages have the right full names. All problems are told at once: a person mends them in one go. It reflects
// once, when a service is registered; a call costs one reflect.Value.Call more than with generated code.
func Bind(service protoreflect.ServiceDescriptor, implementation any) (methods []connect.Method, problems []string) {
	value := reflect.ValueOf(implementation)
	for i := range service.Methods().Len() {
		schema := service.Methods().Get(i)
		handler, problem := bind(value, schema)
		if problem != "" {
			problems = append(problems, problem)
			continue
		}
		methods = append(methods, connect.Method{Spec: hosted.SpecOf(schema), Handler: handler})
	}
	return methods, problems
}

// The types that a handler's signature may have beside messages.
var (
	contextType      = reflect.TypeFor[context.Context]()
	errorType        = reflect.TypeFor[error]()
	serverStreamType = reflect.TypeFor[connect.ServerStream]()
	messageType      = reflect.TypeFor[proto.Message]()
)

// bind finds the method of value that implements schema. The text says what is wrong.
// A method without a problem always has a handler that cannot panic for its signature: shapeProblem has seen every type
// that the handlers below take for granted.
func bind(value reflect.Value, schema protoreflect.MethodDescriptor) (connect.ServerFunc, string) {
	goMethod := value.MethodByName(goName(string(schema.Name())))
	if !goMethod.IsValid() {
		return nil, fmt.Sprintf("%s: %s has no method %s", schema.Name(), value.Type(), goName(string(schema.Name())))
	}
	signature := goMethod.Type()
	if want, problem := shapeProblem(signature, schema); problem != "" {
		return nil, fmt.Sprintf("%s: %s; want %s, have %s", schema.Name(), problem, want, signature)
	}
	switch {
	case schema.IsStreamingClient() && schema.IsStreamingServer():
		return bidiHandler(goMethod), ""
	case schema.IsStreamingClient():
		return clientStreamHandler(goMethod), ""
	case schema.IsStreamingServer():
		return serverStreamHandler(goMethod), ""
	}
	return unaryReflectHandler(goMethod), ""
}

// shapeProblem compares a signature with a method: the shape that it should have and the first difference.
// want is for people and names messages by their short names; what is compared are full names. An empty problem is no
// problem. The four kinds of method need parameters and results as the generated interfaces have them:
//
//	unary          (context, *request) (*response, error)
//	client stream  (context, stream) (*response, error)
//	server stream  (context, *request, stream) error
//	bidi           (context, stream) error
func shapeProblem(signature reflect.Type, schema protoreflect.MethodDescriptor) (want, problem string) {
	req, res := schema.Input(), schema.Output()
	params, results := []func(reflect.Type) string{isContext}, []func(reflect.Type) string{}
	texts, resultText := []string{"context.Context"}, "error"
	if !schema.IsStreamingClient() {
		params, texts = append(params, isMessage(req)), append(texts, "*"+string(req.Name()))
	}
	if schema.IsStreamingClient() || schema.IsStreamingServer() {
		params, texts = append(params, isStream(schema)), append(texts, "connect.ServerStream or the generated stream")
	}
	if !schema.IsStreamingServer() {
		results, resultText = append(results, isMessage(res)), "(*"+string(res.Name())+", error)"
	}
	results = append(results, isError)
	want = "func(" + strings.Join(texts, ", ") + ") " + resultText
	if signature.IsVariadic() || signature.NumIn() != len(params) || signature.NumOut() != len(results) {
		return want, "wrong number of parameters or results"
	}
	for i, check := range params {
		if difference := check(signature.In(i)); difference != "" {
			return want, fmt.Sprintf("parameter %d %s", i+1, difference)
		}
	}
	for i, check := range results {
		if difference := check(signature.Out(i)); difference != "" {
			return want, fmt.Sprintf("result %d %s", i+1, difference)
		}
	}
	return want, ""
}

// isContext wants the very type: a function that takes any other interface would not be what the generated code asks for.
// Like all checks here it returns what is wrong, as the end of a sentence.
func isContext(t reflect.Type) string {
	if t == contextType {
		return ""
	}
	return "is no context.Context"
}

// isError wants the very type. A result of a type that implements error would be no nil when it is a nil pointer.
func isError(t reflect.Type) string {
	if t == errorType {
		return ""
	}
	return "is no error"
}

// isMessage checks that a type is the Go type of a message, by its descriptor's full name.
// The Go type may be another than the one linked in for that name; two generated packages of one schema are equals.
func isMessage(want protoreflect.MessageDescriptor) func(reflect.Type) string {
	return func(t reflect.Type) string {
		if t.Kind() != reflect.Pointer || !t.Implements(messageType) {
			return "is no message"
		}
		message, ok := reflect.Zero(t).Interface().(proto.Message)
		if !ok {
			return "is no message"
		}
		if has := message.ProtoReflect().Descriptor().FullName(); has != want.FullName() {
			return fmt.Sprintf("is a %s, not a %s", has, want.FullName())
		}
		return ""
	}
}

// isStream checks that a type is connect.ServerStream or has the layout of a generated stream: a struct whose one
// field is a connect.ServerStream. The messages of its Receive and Send must be those of the method.
func isStream(schema protoreflect.MethodDescriptor) func(reflect.Type) string {
	return func(t reflect.Type) string {
		if t == serverStreamType {
			return ""
		}
		if t.Kind() != reflect.Struct || t.NumField() != 1 || t.Field(0).Type != serverStreamType {
			return "is neither connect.ServerStream nor a generated stream"
		}
		if schema.IsStreamingClient() {
			if receive, ok := t.MethodByName("Receive"); !ok || receive.Type.NumOut() != 2 || isMessage(schema.Input())(receive.Type.Out(0)) != "" {
				return "does not receive " + string(schema.Input().FullName())
			}
		}
		if schema.IsStreamingServer() {
			if send, ok := t.MethodByName("Send"); !ok || send.Type.NumIn() != 2 || isMessage(schema.Output())(send.Type.In(1)) != "" {
				return "does not send " + string(schema.Output().FullName())
			}
		}
		return ""
	}
}

// streamValue makes a stream parameter of a type that isStream accepted. Generated stream types keep their stream in
// an unexported field, so it is written through its checked layout: the one field of a struct is at its address.
// The type may come from any program's generated code, so there is no constructor to call.
func streamValue(t reflect.Type, stream connect.ServerStream) reflect.Value {
	if t == serverStreamType {
		return reflect.ValueOf(&stream).Elem()
	}
	made := reflect.New(t)
	*(*connect.ServerStream)(made.UnsafePointer()) = stream
	return made.Elem()
}

// It does not compile unless a struct of one stream has the size of the stream, which streamValue relies on.
var _ [0]struct{} = [unsafe.Sizeof(struct{ stream connect.ServerStream }{}) - unsafe.Sizeof(connect.ServerStream(nil))]struct{}{}

// unaryReflectHandler and the three after it look up the types once, and then only call. fn has passed shapeProblem.
func unaryReflectHandler(fn reflect.Value) connect.ServerFunc {
	request := fn.Type().In(1).Elem()
	return func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		in := reflect.New(request)
		if err := stream.Receive(in.Interface()); err != nil {
			return err
		}
		return sendResult(fn.Call([]reflect.Value{reflect.ValueOf(ctx), in}), stream)
	}
}

// clientStreamHandler leaves it to the method to receive, and sends what it returns.
func clientStreamHandler(fn reflect.Value) connect.ServerFunc {
	streams := fn.Type().In(1)
	return func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		return sendResult(fn.Call([]reflect.Value{reflect.ValueOf(ctx), streamValue(streams, stream)}), stream)
	}
}

// serverStreamHandler receives the one request before the method begins, so that one which does not decode never runs it.
func serverStreamHandler(fn reflect.Value) connect.ServerFunc {
	request, streams := fn.Type().In(1).Elem(), fn.Type().In(2)
	return func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		in := reflect.New(request)
		if err := stream.Receive(in.Interface()); err != nil {
			return err
		}
		return resultError(fn.Call([]reflect.Value{reflect.ValueOf(ctx), in, streamValue(streams, stream)})[0])
	}
}

// bidiHandler leaves both directions to the method.
func bidiHandler(fn reflect.Value) connect.ServerFunc {
	streams := fn.Type().In(1)
	return func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		return resultError(fn.Call([]reflect.Value{reflect.ValueOf(ctx), streamValue(streams, stream)})[0])
	}
}

// sendResult sends the response of a method that returned one. With an error the response is dropped, as generated code
// does it.
func sendResult(results []reflect.Value, stream connect.ServerStream) error {
	if err := resultError(results[1]); err != nil {
		return err
	}
	return stream.Send(results[0].Interface())
}

// resultError is the error of a result of the type error; a nil one has no dynamic type to assert.
func resultError(v reflect.Value) error {
	err, _ := v.Interface().(error)
	return err
}

// goName is the Go name that protoc-gen-go gives a method.
func goName(s string) string {
	var b strings.Builder
	upper := true
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_' && i == 0:
			b.WriteByte('X')
		case c == '_' && i+1 < len(s) && isLower(s[i+1]):
			upper = true
		case upper && isLower(c):
			b.WriteByte(c - 'a' + 'A')
			upper = false
		default:
			b.WriteByte(c)
			upper = '0' <= c && c <= '9'
		}
	}
	return b.String()
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
