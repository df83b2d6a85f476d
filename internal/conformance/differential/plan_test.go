package differential

import (
	"fmt"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
)

// seedHeader tells the handler the seed of a call.
const seedHeader = "X-Seed"

// The two ends of a call.
const (
	clientEnd uint64 = iota + 1
	handlerEnd
)

// wire is how a client speaks HTTP. It is comparable: calls that speak alike share connections.
type wire struct {
	protocol   string // connect, grpc or grpcweb
	json, gzip bool
	http1, get bool
}

// plan is one random call.
type plan struct {
	seed     uint64
	wire     wire
	spec     connect.Spec
	header   connect.Header
	requests []proto.Message
	// alternate is whether an answer is awaited after each request.
	alternate bool
}

func (p *plan) String() string {
	return fmt.Sprintf("call %d: %s of %d messages, alternating %v, over %+v", p.seed, p.method(), len(p.requests), p.alternate, p.wire)
}

func (p *plan) method() string {
	return p.spec.Procedure[strings.LastIndexByte(p.spec.Procedure, '/')+1:]
}

// newPlan makes the call of a seed. specs are those of the service.
func newPlan(seed uint64, specs []connect.Spec) *plan {
	s := newSource(seed, clientEnd)
	p := &plan{seed: seed, spec: specs[s.IntN(len(specs))]}
	kind := p.spec.StreamType
	p.wire = wire{protocol: []string{"connect", "grpc", "grpcweb"}[s.IntN(3)], json: s.chance(40), gzip: s.chance(40)}
	p.wire.http1 = p.wire.protocol != "grpc" && kind != connect.StreamTypeBidi && s.chance(40)
	p.wire.get = p.wire.protocol == "connect" && p.spec.IdempotencyLevel == connect.IdempotencyNoSideEffects && s.chance(70)
	s.metadata(&p.header)
	p.header.Set(seedHeader, fmt.Sprint(seed))
	count := 1
	if kind&connect.StreamTypeClient != 0 {
		count = s.IntN(6)
	}
	for range count {
		p.requests = append(p.requests, p.request(s))
	}
	p.alternate = kind == connect.StreamTypeBidi && s.chance(50)
	return p
}

// request makes a request message. In binary it has a field that nobody knows, which must get through.
func (p *plan) request(s source) proto.Message {
	data := s.data()
	if p.wire.get && len(data) > 4<<10 {
		data = data[:4<<10] // it goes into a URL
	}
	var message proto.Message
	switch p.method() {
	case "Unary":
		message = &conformancev1.UnaryRequest{RequestData: data}
	case "IdempotentUnary":
		message = &conformancev1.IdempotentUnaryRequest{RequestData: data}
	case "ServerStream":
		message = &conformancev1.ServerStreamRequest{RequestData: data}
	case "ClientStream":
		message = &conformancev1.ClientStreamRequest{RequestData: data}
	default:
		message = &conformancev1.BidiStreamRequest{RequestData: data, FullDuplex: s.chance(50)}
	}
	if !p.wire.json && s.chance(30) {
		unknown := protowire.AppendTag(nil, 1000, protowire.BytesType)
		message.ProtoReflect().SetUnknown(protowire.AppendString(unknown, s.text(50)))
	}
	return message
}
