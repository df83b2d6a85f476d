package service

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
)

// observe describes the call of ctx and the request messages received so far.
func observe(ctx context.Context, requests []proto.Message) (*conformancev1.ConformancePayload_RequestInfo, error) {
	seen := new(conformancev1.ConformancePayload_RequestInfo)
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		for name, values := range info.RequestHeader().All() {
			seen.RequestHeaders = append(seen.RequestHeaders, &conformancev1.Header{Name: name, Value: slices.Clone(values)})
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		seen.TimeoutMs = new(time.Until(deadline).Milliseconds())
	}
	if info, ok := connecthttp.ServerInfoForContext(ctx); ok {
		for name, values := range info.HTTPGetQueryParams() {
			if seen.ConnectGetInfo == nil {
				seen.ConnectGetInfo = new(conformancev1.ConformancePayload_ConnectGetInfo)
			}
			param := &conformancev1.Header{Name: name, Value: values}
			seen.ConnectGetInfo.QueryParams = append(seen.ConnectGetInfo.QueryParams, param)
		}
	}
	var err error
	seen.Requests, err = packed(requests)
	return seen, err
}

func packed(messages []proto.Message) ([]*anypb.Any, error) {
	var all []*anypb.Any
	for _, message := range messages {
		one, err := anypb.New(message)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
