// Package collective is the room and its client for this library.
package collective

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	"github.com/collectiverpc/collective/dispatcher"
	chatv1 "github.com/collectiverpc/collective/internal/migration/gen/chat/v1"
	"github.com/collectiverpc/collective/internal/migration/gen/chat/v1/chatv1connect"
)

type room struct{}

func (room) Say(ctx context.Context, req *chatv1.SayRequest) (*chatv1.SayResponse, error) {
	if req.GetText() == "" {
		return nil, denied("text")
	}
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		info.ResponseHeader().Set("Room", info.RequestHeader().Get("Room"))
	}
	return &chatv1.SayResponse{Text: req.GetText()}, nil
}

func denied(field string) error {
	detail, err := connectproto.NewErrorDetail(&chatv1.Denied{Field: field})
	if err != nil {
		return err
	}
	return connect.NewError(connect.CodeInvalidArgument, field+" is empty").WithDetail(detail)
}

func (room) Listen(ctx context.Context, req *chatv1.ListenRequest, stream chatv1connect.RoomServiceListenServerStream) error {
	for line := range req.GetLines() {
		if err := stream.Send(&chatv1.ListenResponse{Line: line}); err != nil {
			return err
		}
	}
	return nil
}

func (room) Upload(ctx context.Context, stream chatv1connect.RoomServiceUploadServerStream) (*chatv1.UploadResponse, error) {
	var lines int32
	for {
		_, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return &chatv1.UploadResponse{Lines: lines}, nil
		}
		if err != nil {
			return nil, err
		}
		lines++
	}
}

func (room) Talk(ctx context.Context, stream chatv1connect.RoomServiceTalkServerStream) error {
	for {
		req, err := stream.Receive()
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

func authenticate(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		if info, ok := connect.CallInfoForServerContext(ctx); !ok || info.RequestHeader().Get("Authorization") == "" {
			return connect.NewError(connect.CodeUnauthenticated, "who are you?")
		}
		return next(ctx, spec, stream)
	}
}

// Host is a collector that has the room, at address.
func Host(address string) (*dispatcher.Dispatcher, error) {
	d, err := dispatcher.New("chat", address, []string{"chat"}, dispatcher.WithServerInterceptors(authenticate))
	if err != nil {
		return nil, err
	}
	err = d.Register("chat", func(s *connect.Server) { chatv1connect.RegisterRoomServiceHandler(s, room{}) })
	return d, err
}
