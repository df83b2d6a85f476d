// Package grpcgo is the room and its client for grpc-go.
package grpcgo

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	chatv1 "github.com/collectiverpc/collective/internal/migration/gen/chat/v1"
)

type room struct {
	chatv1.UnimplementedRoomServiceServer
}

func (room) Say(ctx context.Context, req *chatv1.SayRequest) (*chatv1.SayResponse, error) {
	if req.GetText() == "" {
		return nil, denied("text")
	}
	md, _ := metadata.FromIncomingContext(ctx)
	if err := grpc.SetHeader(ctx, metadata.MD{"room": md.Get("room")}); err != nil {
		return nil, err
	}
	return &chatv1.SayResponse{Text: req.GetText()}, nil
}

func denied(field string) error {
	st, err := status.New(codes.InvalidArgument, field+" is empty").WithDetails(&chatv1.Denied{Field: field})
	if err != nil {
		return err
	}
	return st.Err()
}

func (room) Listen(req *chatv1.ListenRequest, stream grpc.ServerStreamingServer[chatv1.ListenResponse]) error {
	for line := range req.GetLines() {
		if err := stream.Send(&chatv1.ListenResponse{Line: line}); err != nil {
			return err
		}
	}
	return nil
}

func (room) Upload(stream grpc.ClientStreamingServer[chatv1.UploadRequest, chatv1.UploadResponse]) error {
	var lines int32
	for {
		_, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&chatv1.UploadResponse{Lines: lines})
		}
		if err != nil {
			return err
		}
		lines++
	}
}

func (room) Talk(stream grpc.BidiStreamingServer[chatv1.TalkRequest, chatv1.TalkResponse]) error {
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&chatv1.TalkResponse{Text: req.GetText()}); err != nil {
			return err
		}
	}
}

func authenticate(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("authorization")) == 0 {
		return nil, status.Error(codes.Unauthenticated, "who are you?")
	}
	return next(ctx, req)
}

func authenticateStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if md, _ := metadata.FromIncomingContext(stream.Context()); len(md.Get("authorization")) == 0 {
		return status.Error(codes.Unauthenticated, "who are you?")
	}
	return next(srv, stream)
}

// Server is the room on a port of its own.
func Server() *grpc.Server {
	server := grpc.NewServer(grpc.UnaryInterceptor(authenticate), grpc.StreamInterceptor(authenticateStream))
	chatv1.RegisterRoomServiceServer(server, room{})
	return server
}
