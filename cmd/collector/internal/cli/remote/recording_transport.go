package remote

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

// recordingTransport is a RoundTripper that remembers the last answer, so that an error can be explained by what is at the
// other end, and shows the traffic if trace is set.
type recordingTransport struct {
	next  *http.Transport
	trace io.Writer
	heard firstBytes // below HTTP and TLS

	connected atomic.Bool // to something, TLS included
	mu        sync.Mutex
	last      *answer
}

// answer is what an HTTP server said, so far as it helps to tell what it is.
type answer struct {
	status      string
	contentType string
	server      string
	beginning   string // of the body, if it is no RPC answer
}

// RoundTrip implements http.RoundTripper.
func (t *recordingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	watched := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { t.connected.Store(true) },
	})
	res, err := t.next.RoundTrip(req.WithContext(watched))
	if t.trace != nil {
		t.show(req, res, err, time.Since(start))
	}
	if err == nil {
		t.remember(res)
	}
	return res, err
}

// CloseIdleConnections is what http.Client.CloseIdleConnections looks for.
func (t *recordingTransport) CloseIdleConnections() { t.next.CloseIdleConnections() }

func (t *recordingTransport) remember(res *http.Response) {
	seen := &answer{status: res.Status, contentType: res.Header.Get("Content-Type"), server: res.Header.Get("Server")}
	if !seen.isRPC() {
		seen.beginning = peek(res)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = seen
}

// peek reads the beginning of a body and puts it back.
func peek(res *http.Response) string {
	const most = 512
	head := make([]byte, most)
	n, _ := io.ReadFull(res.Body, head) // a shorter body is fine, and whoever reads on sees the error
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head[:n]), res.Body), res.Body}
	return string(head[:n])
}

// isRPC tells whether the answer has a content type of Connect, gRPC or gRPC-Web.
func (a *answer) isRPC() bool {
	for _, prefix := range []string{"application/grpc", "application/proto", "application/connect+", "application/json"} {
		if strings.HasPrefix(a.contentType, prefix) {
			return true
		}
	}
	return false
}

// wantsTLS knows what Go's servers, nginx and Apache say to who speaks plain HTTP to their TLS port.
func (a *answer) wantsTLS() bool {
	for _, words := range []string{
		"HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled server",
	} {
		if strings.Contains(a.beginning, words) {
			return true
		}
	}
	return false
}

// answered returns the last answer; nil if there was none.
func (t *recordingTransport) answered() *answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

func (t *recordingTransport) show(req *http.Request, res *http.Response, err error, took time.Duration) {
	var b strings.Builder
	fmt.Fprintf(&b, "> %s %s\n", req.Method, req.URL)
	writeHeader(&b, "> ", req.Header)
	if err != nil {
		fmt.Fprintf(&b, "< %s (%s)\n", words.Clean(err.Error()), words.Duration(took))
	} else {
		fmt.Fprintf(&b, "< %s %s (%s)\n", words.Clean(res.Proto), words.Clean(res.Status), words.Duration(took))
		writeHeader(&b, "< ", res.Header)
	}
	_, _ = io.WriteString(t.trace, b.String()) // a trace that nobody can read is no failure
}

// writeHeader shows headers, except what is secret in them.
func writeHeader(b *strings.Builder, mark string, header http.Header) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		value := strings.Join(header[name], ", ")
		if name == authorizationHeader || name == apiKeyHeader || name == "Cookie" || name == "Set-Cookie" || name == "Proxy-Authorization" {
			value = "(hidden)"
		}
		fmt.Fprintf(b, "%s%s: %s\n", mark, name, words.Clean(value))
	}
}
