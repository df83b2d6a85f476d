package migration_test

import (
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"context"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/internal/migration/collective"
	"github.com/collectiverpc/collective/internal/migration/connectv1"
	"github.com/collectiverpc/collective/internal/migration/grpcgo"
)

// mesh is a collector that has the room, and one that asks it.
func mesh(t *testing.T) (asked string, other *dispatcher.Dispatcher) {
	t.Helper()
	address, second := meshtest.FreeAddress(t), meshtest.FreeAddress(t)
	d, err := collective.Host(address)
	if err != nil {
		t.Fatal(err)
	}
	run(t, d, address)
	if other, err = dispatcher.New("other", second, []string{"chat"}, dispatcher.WithForwardedAuthorization()); err != nil {
		t.Fatal(err)
	}
	run(t, other, second)
	for patience := time.Now().Add(meshtest.Patience); ; {
		if err = meshtest.Join(t.Context(), other, address, "chat", "/chat.v1.RoomService/Say"); err == nil {
			return "http://" + second, other
		} else if time.Now().After(patience) {
			t.Fatal(err)
		}
	}
}

func run(t *testing.T, d *dispatcher.Dispatcher, address string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.ListenAndServe(ctx, address, nil, meshtest.Patience) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func said(t *testing.T, said, header string, err error) {
	t.Helper()
	if said != "hello" || header != "blue" || err != nil {
		t.Errorf("said %q in room %q, %v", said, header, err)
	}
}

func denied(t *testing.T, field string, err error) {
	t.Helper()
	if err == nil || field != "text" {
		t.Errorf("nothing is said with %v, and the field denied is %q", err, field)
	}
}

func counted(t *testing.T, got int, err error) {
	t.Helper()
	if got != 3 || err != nil {
		t.Errorf("%d lines of 3 came, %v", got, err)
	}
}

// A client of connect v1 needs no change, and does not see that the room is on another collector than the one it asks.
func TestClientOfConnectV1(t *testing.T) {
	t.Parallel()
	url, _ := mesh(t)
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	text, header, err := connectv1.Say(t.Context(), client, url, "hello")
	said(t, text, header, err)
	_, _, err = connectv1.Say(t.Context(), client, url, "")
	denied(t, connectv1.DeniedField(err), err)
	got, err := connectv1.Listen(t.Context(), client, url, 3)
	counted(t, got, err)
}

// Nor does one of grpc-go.
func TestClientOfGRPCGo(t *testing.T) {
	t.Parallel()
	url, _ := mesh(t)
	conn, err := grpc.NewClient(url[len("http://"):], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, header, err := grpcgo.Say(t.Context(), conn, "hello")
	said(t, text, header, err)
	_, _, err = grpcgo.Say(t.Context(), conn, "")
	denied(t, grpcgo.DeniedField(err), err)
	got, err := grpcgo.Talk(t.Context(), conn, "a", "b", "c")
	counted(t, got, err)
}

// The new one does in the mesh what it does over HTTP.
func TestClientOfThisLibrary(t *testing.T) {
	t.Parallel()
	url, other := mesh(t)
	for name, transport := range map[string]connect.Transport{
		"mesh": other.Transport("chat"),
		"HTTP": connecthttp.NewTransport(meshtest.HTTP2Client(t), url),
	} {
		t.Run(name, func(t *testing.T) {
			text, header, err := collective.Say(t.Context(), transport, "hello")
			said(t, text, header, err)
			_, _, err = collective.Say(t.Context(), transport, "")
			denied(t, collective.DeniedField(err), err)
			got, err := collective.Talk(t.Context(), transport, "a", "b", "c")
			counted(t, got, err)
		})
	}
}

// What the page shows as before is a room too, or it would prove nothing.
func TestTheOldRoomsCompile(t *testing.T) {
	t.Parallel()
	if len(grpcgo.Server().GetServiceInfo()) != 1 || connectv1.Handler() == nil {
		t.Error("an old server has no room")
	}
}
