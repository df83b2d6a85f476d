package dispatcher_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// Small answers go out as they are to clients that take gzip, and large ones packed; looked at by the bytes on the wire,
// for a unary call, a GET, each protocol with framed messages, here and routed, and for the collector's own services.
func TestCompression_SmallAnswersGoOutAsTheyAre(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for _, n := range []node{a, b} {
		for size, packed := range map[int32]bool{60: false, 1000: false, 1024: true, 64 << 10: true} {
			echo := mustMarshal(t, &testingv1.EchoRequest{Padding: size})
			want := mustMarshal(t, &testingv1.EchoResponse{Text: " on b", Padding: make([]byte, size)})
			header, body := packable(t, n, testingv1connect.EchoServiceEchoProcedure, "application/proto", echo)
			checkPacked(t, "unary", n, header.Get("Content-Encoding") == "gzip", packed, body, want)
			for _, contentType := range []string{"application/grpc", "application/grpc-web+proto"} {
				_, body = packable(t, n, testingv1connect.EchoServiceEchoProcedure, contentType, framed(echo))
				checkPacked(t, contentType, n, body[0]&1 == 1, packed, first(body), want)
			}
			text := strings.Repeat("x", int(size))
			want = mustMarshal(t, &testingv1.ConverseResponse{Text: text + " on b"})
			_, body = packable(t, n, testingv1connect.EchoServiceConverseProcedure, "application/connect+proto", framed(mustMarshal(t, &testingv1.ConverseRequest{Text: text})))
			checkPacked(t, "connect stream", n, body[0]&1 == 1, packed, first(body), want)
		}
	}
}

func TestCompression_OfGetsErrorsAndOwnServices(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	const accepts = "gzip"
	for _, n := range []node{a, b} {
		query := url.Values{"encoding": {"proto"}, "connect": {"v1"}, "base64": {"1"}, "message": {""}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.Address+testingv1connect.EchoServiceLookProcedure+"?"+query.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]func() (*http.Response, string){
			"GET": func() (*http.Response, string) { return do(t, req, "Accept-Encoding", accepts) },
			"error": func() (*http.Response, string) {
				return post(t, "http://"+n.Address+testingv1connect.EchoServiceFailProcedure, `{"code":9}`, "Accept-Encoding", accepts)
			},
			"Serve": func() (*http.Response, string) {
				return post(t, "http://"+n.Address+"/collector.CollectiveDispatcher/Serve", `{}`, "Accept-Encoding", accepts)
			},
		} {
			if res, body := got(); res.Header.Get("Content-Encoding") != "" || body == "" || body[0] == 0x1f {
				t.Errorf("%s at %s: %d bytes with %v", name, n.ID(), len(body), res.Header)
			}
		}
		// Only the way out: what a client packs is taken however small.
		packed := squeeze(t, mustMarshal(t, &testingv1.EchoRequest{Text: "hi"}))
		req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+testingv1connect.EchoServiceEchoProcedure, strings.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		res, body := do(t, req, "Content-Type", "application/proto", "Content-Encoding", "gzip", "Accept-Encoding", accepts)
		if res.StatusCode != http.StatusOK || body != mustMarshal(t, &testingv1.EchoResponse{Text: "hi on b"}) {
			t.Errorf("packed request at %s: %d %q", n.ID(), res.StatusCode, body)
		}
	}
}

// packable makes a call that takes gzip, over HTTP/2, and returns the answer as it came.
func packable(t *testing.T, n node, procedure, contentType string, body string) (http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+procedure, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for _, name := range []string{"Accept-Encoding", "Grpc-Accept-Encoding", "Connect-Accept-Encoding"} {
		req.Header.Set(name, "gzip")
	}
	res, err := meshtest.HTTP2Client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || len(answer) < 5 {
		t.Fatalf("%s %s at %s: %v, %q, %v", contentType, procedure, n.ID(), res.Header, answer, err)
	}
	return res.Header, string(answer)
}

func checkPacked(t *testing.T, what string, n node, packed, want bool, message, plain string) {
	t.Helper()
	if packed != want {
		t.Errorf("%s at %s: packed %v, want %v, for %d bytes", what, n.ID(), packed, want, len(plain))
	}
	if packed {
		message = unsqueeze(t, message)
	}
	if message != plain {
		t.Errorf("%s at %s: %d bytes instead of %d", what, n.ID(), len(message), len(plain))
	}
}

func mustMarshal(t *testing.T, message proto.Message) string {
	t.Helper()
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// first is the first message of a framed body, without its prefix.
func first(body string) string { return body[5 : 5+binary.BigEndian.Uint32([]byte(body[1:5]))] }

func squeeze(t *testing.T, data string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func unsqueeze(t *testing.T, packed string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
