package grpcgo

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	chatv1 "github.com/collectiverpc/collective/internal/migration/gen/chat/v1"
)

// Say says something in the room and returns what came back, with the response header Room.
func Say(ctx context.Context, conn *grpc.ClientConn, text string) (said, header string, err error) {
	rooms := chatv1.NewRoomServiceClient(conn)
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer me", "room", "blue")
	var md metadata.MD
	res, err := rooms.Say(ctx, &chatv1.SayRequest{Text: text}, grpc.Header(&md))
	if err != nil {
		return "", "", err
	}
	return res.GetText(), md.Get("room")[0], nil
}

// Talk says lines in the room and counts those that come back.
func Talk(ctx context.Context, conn *grpc.ClientConn, lines ...string) (got int, err error) {
	rooms := chatv1.NewRoomServiceClient(conn)
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer me")
	stream, err := rooms.Talk(ctx)
	if err != nil {
		return 0, err
	}
	for _, line := range lines {
		if err := stream.Send(&chatv1.TalkRequest{Text: line}); err != nil {
			return 0, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return 0, err
	}
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return got, nil
		} else if err != nil {
			return got, err
		}
		got++
	}
}

// DeniedField is the field that an error says was wrong.
func DeniedField(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if denied, ok := detail.(*chatv1.Denied); ok {
			return denied.GetField()
		}
	}
	return ""
}
