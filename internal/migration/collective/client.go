package collective

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	chatv1 "github.com/collectiverpc/collective/internal/migration/gen/chat/v1"
	"github.com/collectiverpc/collective/internal/migration/gen/chat/v1/chatv1connect"
)

// Say says something in the room and returns what came back, with the response header Room.
func Say(ctx context.Context, transport connect.Transport, text string) (said, header string, err error) {
	rooms := chatv1connect.NewRoomServiceClient(connect.NewClient(transport))
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("Authorization", "Bearer me")
	info.RequestHeader().Set("Room", "blue")
	res, err := rooms.Say(ctx, &chatv1.SayRequest{Text: text})
	if err != nil {
		return "", "", err
	}
	return res.GetText(), info.ResponseHeader().Get("Room"), nil
}

// Talk says lines in the room and counts those that come back.
func Talk(ctx context.Context, transport connect.Transport, lines ...string) (got int, err error) {
	rooms := chatv1connect.NewRoomServiceClient(connect.NewClient(transport))
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("Authorization", "Bearer me")
	stream, err := rooms.Talk(ctx)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	for _, line := range lines {
		if err := stream.Send(&chatv1.TalkRequest{Text: line}); err != nil {
			return 0, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return 0, err
	}
	for {
		if _, err := stream.Receive(); errors.Is(err, io.EOF) {
			return got, nil
		} else if err != nil {
			return got, err
		}
		got++
	}
}

// DeniedField is the field that an error says was wrong.
func DeniedField(err error) string {
	failed, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return ""
	}
	for _, detail := range failed.Details() {
		value, err := connectproto.UnmarshalErrorDetail(detail)
		if denied, ok := value.(*chatv1.Denied); err == nil && ok {
			return denied.GetField()
		}
	}
	return ""
}
