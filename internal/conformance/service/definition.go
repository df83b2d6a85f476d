package service

import (
	"context"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/proto"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
)

// metadata is what the definitions of all kinds of methods have.
type metadata interface {
	GetResponseHeaders() []*conformancev1.Header
	GetResponseTrailers() []*conformancev1.Header
}

// setMetadata gives the call of ctx the response headers and trailers that a definition asks for.
func setMetadata(ctx context.Context, definition metadata) {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return
	}
	add(info.ResponseHeader(), definition.GetResponseHeaders())
	add(info.ResponseTrailer(), definition.GetResponseTrailers())
}

func add(to *connect.Header, headers []*conformancev1.Header) {
	for _, header := range headers {
		for _, value := range header.GetValue() {
			to.Add(header.GetName(), value)
		}
	}
}

// newError makes the error that a definition asks for. What was observed, if not nil, becomes its last detail.
func newError(asked *conformancev1.Error, seen *conformancev1.ConformancePayload_RequestInfo) error {
	err := connect.NewError(connect.Code(asked.GetCode()), asked.GetMessage())
	details := make([]proto.Message, 0, len(asked.GetDetails())+1)
	for _, detail := range asked.GetDetails() {
		details = append(details, detail)
	}
	if seen != nil {
		details = append(details, seen)
	}
	for _, message := range details {
		detail, failed := connectproto.NewErrorDetail(message)
		if failed != nil {
			return failed
		}
		err = err.WithDetail(detail)
	}
	return err
}
