package dispatcher_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// A message that is announced too large is refused on its announcement: nothing of it has to come.
func TestBody_AnnouncedTooLarge(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, n := range []node{a, b} {
		for contentType, path := range map[string]string{
			"application/grpc":           testingv1connect.EchoServiceEchoProcedure,
			"application/grpc-web+proto": testingv1connect.EchoServiceEchoProcedure,
			"application/connect+proto":  testingv1connect.EchoServiceCollectProcedure,
			"application/grpc+proto":     testingv1connect.EchoServiceCollectProcedure,
			"application/grpc+json":      "/collector.CollectiveDispatcher/Serve",
			"application/grpc-web+json":  "/collector.mesh.v1.MeshService/GetStatus",
			"application/connect+json":   testingv1connect.EchoServiceCountProcedure,
		} {
			body, feed := io.Pipe()
			go func() { // and then silence
				_, _ = feed.Write(binary.BigEndian.AppendUint32([]byte{0}, 1<<31))
			}()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", contentType)
			client := meshtest.HTTP2Client(t)
			client.Timeout = patience
			res, err := client.Do(req)
			if err != nil {
				t.Errorf("%s at %s: %v", contentType, n.ID(), err)
				continue
			}
			text, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			_ = feed.Close()
			if status := res.Trailer.Get("Grpc-Status") + res.Header.Get("Grpc-Status"); status != "8" && !strings.Contains(string(text), "resource_exhausted") && !strings.Contains(string(text), "grpc-status: 8") {
				t.Errorf("%s %s at %s: %d, status %q, %q", contentType, path, n.ID(), res.StatusCode, status, text)
			}
		}
	}
}

// A client that stops in the middle of its only request message does not keep its place for ever.
func TestBody_Pause(t *testing.T) {
	t.Parallel()
	a, b := pair(t, dispatcher.WithLimits(dispatcher.Limits{BodyTimeout: 100 * time.Millisecond}))
	for _, n := range []node{a, b} {
		conn, err := net.Dial("tcp", n.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", testingv1connect.EchoServiceEchoProcedure)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("at %s: %v", n.ID(), err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusGatewayTimeout {
			t.Errorf("at %s: %d", n.ID(), res.StatusCode)
		}
	}
}

// An answer may take longer than a pause in the request: nobody waits for the client any more.
func TestBody_LongAnswer(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, dispatcher.WithLimits(dispatcher.Limits{BodyTimeout: 100 * time.Millisecond}))
	for name, client := range map[string]*http.Client{"HTTP/1.1": {Transport: new(http.Transport)}, "HTTP/2": meshtest.HTTP2Client(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(client.CloseIdleConnections)
			mesh := meshv1connect.NewMeshServiceClient(connect.NewClient(connecthttp.NewTransport(client, "http://"+a.Address)))
			stream, err := mesh.Watch(t.Context(), &meshv1.WatchRequest{Topics: []meshv1.WatchTopic{meshv1.WatchTopic_WATCH_TOPIC_METRICS}})
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Close()
			for i := range 4 { // a snapshot, and then one tick a second
				if event, err := stream.Receive(); err != nil {
					t.Fatalf("after %d events: %v, %v", i, event, err)
				}
			}
		})
	}
}

// The server keeps the request that it made: by the body of that one net/http ends what is left of it before the connection
// takes the next. With another body in it, one of some thousand calls over HTTP/1.1 was answered 400 or lost its answer.
func TestHandler_LeavesTheRequestOfTheServer(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	a.hostEcho(t, "test")
	handler := a.Handler()
	for name, path := range map[string]string{
		"unary":          testingv1connect.EchoServiceEchoProcedure,
		"client stream":  testingv1connect.EchoServiceCollectProcedure,
		"own service":    meshv1connect.MeshServiceGetStatusProcedure,
		"envelope":       collectorconnect.CollectiveDispatcherDispatchProcedure,
		"unknown method": "/collector.testing.v1.EchoService/Eco",
	} {
		for _, contentType := range []string{"application/json", "application/connect+proto", "application/grpc-web-text+proto"} {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader("{}"))
			request.Header.Set("Content-Type", contentType)
			body := request.Body
			handler.ServeHTTP(httptest.NewRecorder(), request)
			if request.Body != body || request.Header.Get("Content-Type") != contentType {
				t.Errorf("%s, %s: the handler has changed the request of its caller", name, contentType)
			}
		}
	}
}
