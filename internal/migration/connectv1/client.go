package connectv1

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"

	chatv1 "github.com/collectiverpc/collective/internal/migration/gen/chat/v1"
	chatv1connect "github.com/collectiverpc/collective/internal/migration/gen/chat/v1/chatv1connectold"
)

// Say says something in the room at url and returns what came back, with the response header Room.
func Say(ctx context.Context, client *http.Client, url, text string) (said, header string, err error) {
	rooms := chatv1connect.NewRoomServiceClient(client, url)
	req := connect.NewRequest(&chatv1.SayRequest{Text: text})
	req.Header().Set("Authorization", "Bearer me")
	req.Header().Set("Room", "blue")
	res, err := rooms.Say(ctx, req)
	if err != nil {
		return "", "", err
	}
	return res.Msg.GetText(), res.Header().Get("Room"), nil
}

// Listen counts the lines that the room sends.
func Listen(ctx context.Context, client *http.Client, url string, lines int32) (got int, err error) {
	rooms := chatv1connect.NewRoomServiceClient(client, url)
	req := connect.NewRequest(&chatv1.ListenRequest{Lines: lines})
	req.Header().Set("Authorization", "Bearer me")
	stream, err := rooms.Listen(ctx, req)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	for stream.Receive() {
		got++
	}
	return got, stream.Err()
}

// DeniedField is the field that an error says was wrong.
func DeniedField(err error) string {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return ""
	}
	for _, detail := range failed.Details() {
		value, err := detail.Value()
		if denied, ok := value.(*chatv1.Denied); err == nil && ok {
			return denied.GetField()
		}
	}
	return ""
}
