// Package connectv1 is the room and its client for connect v1.
package connectv1

import (
	"context"
	"errors"
	"io"
	"net/http"

	"connectrpc.com/connect"

	chatv1 "github.com/collectiverpc/collective/internal/migration/gen/chat/v1"
	chatv1connect "github.com/collectiverpc/collective/internal/migration/gen/chat/v1/chatv1connectold"
)

type room struct{}

func (room) Say(ctx context.Context, req *connect.Request[chatv1.SayRequest]) (*connect.Response[chatv1.SayResponse], error) {
	if req.Msg.GetText() == "" {
		return nil, denied("text")
	}
	res := connect.NewResponse(&chatv1.SayResponse{Text: req.Msg.GetText()})
	res.Header().Set("Room", req.Header().Get("Room"))
	return res, nil
}

func denied(field string) error {
	err := connect.NewError(connect.CodeInvalidArgument, errors.New(field+" is empty"))
	if detail, failed := connect.NewErrorDetail(&chatv1.Denied{Field: field}); failed == nil {
		err.AddDetail(detail)
	}
	return err
}

func (room) Listen(ctx context.Context, req *connect.Request[chatv1.ListenRequest], stream *connect.ServerStream[chatv1.ListenResponse]) error {
	for line := range req.Msg.GetLines() {
		if err := stream.Send(&chatv1.ListenResponse{Line: line}); err != nil {
			return err
		}
	}
	return nil
}

func (room) Upload(ctx context.Context, stream *connect.ClientStream[chatv1.UploadRequest]) (*connect.Response[chatv1.UploadResponse], error) {
	var lines int32
	for stream.Receive() {
		lines++
	}
	return connect.NewResponse(&chatv1.UploadResponse{Lines: lines}), stream.Err()
}

func (room) Talk(ctx context.Context, stream *connect.BidiStream[chatv1.TalkRequest, chatv1.TalkResponse]) error {
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

// authenticator has to say the same thing for each kind of method.
type authenticator struct{}

func (authenticator) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if req.Header().Get("Authorization") == "" {
			return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("who are you?"))
		}
		return next(ctx, req)
	}
}

func (authenticator) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if conn.RequestHeader().Get("Authorization") == "" {
			return connect.NewError(connect.CodeUnauthenticated, errors.New("who are you?"))
		}
		return next(ctx, conn)
	}
}

func (authenticator) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// Handler is the room on a port of its own.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(chatv1connect.NewRoomServiceHandler(room{}, connect.WithInterceptors(authenticator{})))
	return mux
}
