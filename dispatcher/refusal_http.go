package dispatcher

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// refuseHTTP answers a refusal before there is a call, in the protocol of the request and in the form in which a handler's
// error leaves, or in plain text to what is no RPC client.
func (d *Dispatcher) refuseHTTP(w http.ResponseWriter, r *http.Request, refused *refusal.Refusal) {
	receiveRest(w, r)
	w.Header().Set(mesh.HeaderExecutor, d.id)
	w.Header().Set(mesh.HeaderRoute, d.id)
	w.Header().Set(mesh.HeaderReason, string(refused.Reason))
	errors := connecthttp.NewErrorWriter(d.limits.httpOptions()...)
	status := refused.Status
	if refused.Reason == mesh.ReasonMethodUnknown {
		status = http.StatusNotFound // 501 is left to handlers that are not implemented
	}
	if !errors.IsSupported(r) || r.Method == http.MethodGet && !r.URL.Query().Has("encoding") {
		status = cmp.Or(status, refused.PlainStatus())
		http.Error(w, strconv.Itoa(status)+": "+refused.Message, status)
		return
	}
	seen := d.see(observe.Native, "", shortPath(r.URL.Path))
	seen.caller = r.RemoteAddr
	failed := refused.Err(d.id)
	seen.end(d.view().Route, failed)
	_, plain := refusal.Outward(failed)
	answer := newRefusalWriter(w, r, status)
	if err := errors.Write(answer, r, plain); err != nil {
		d.log.DebugContext(r.Context(), "answering a refusal", "error", err)
	}
	answer.finish()
}

// What a request that is refused has to bring before it is answered.
const (
	restTime  = 20 * time.Millisecond
	restBytes = 64 << 10
)

// receiveRest takes what is left of a short request over HTTP/2, as handlers do before they answer. The stream of a request
// that is answered before it is there is reset, and a proxy that keeps the connection may meet that reset in its next call
// and fail it: nginx answers 502. Who waits for the answer before ending the request is waited for a moment only.
func receiveRest(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor < 2 || r.Body == http.NoBody {
		return
	}
	if http.NewResponseController(w).SetReadDeadline(time.Now().Add(restTime)) == nil {
		_, _ = io.CopyN(io.Discard, r.Body, restBytes)
	}
}

// shortPath keeps what is no name of a method from filling the history.
func shortPath(path string) string { return path[:min(len(path), longestPath)] }

const longestPath = 1 << 10

// refusalWriter gives what connect's ErrorWriter writes the form of an answer of a handler.
//
// For gRPC that is trailers only: one block of headers which ends the answer. The ErrorWriter has net/http send trailers
// behind a body of the known length 0, and proxies that read content-length: 0 as the end drop them.
type refusalWriter struct {
	http.ResponseWriter
	status int // of Connect's unary answers, where its own mapping says less; 0 for that
	grpc   bool
}

func newRefusalWriter(w http.ResponseWriter, r *http.Request, status int) refusalWriter {
	contentType := r.Header.Get("Content-Type")
	accepted := "Accept-Encoding"
	switch {
	case isGRPC(contentType):
		accepted = grpcAcceptEncoding
	case isFramed(contentType):
		accepted = connectAcceptEncoding
	}
	w.Header().Set(accepted, acceptedEncodings)
	return refusalWriter{ResponseWriter: w, status: status, grpc: isGRPC(contentType)}
}

// WriteHeader leaves those of gRPC to finish, when they are complete.
func (w refusalWriter) WriteHeader(status int) {
	if w.grpc {
		return
	}
	if status != http.StatusOK {
		status = cmp.Or(w.status, status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// finish sends what is gRPC's.
func (w refusalWriter) finish() {
	if !w.grpc {
		return
	}
	status, header := http.StatusOK, w.Header()
	if w.status == http.StatusUnsupportedMediaType { // the one that the protocol wants beside its own
		status = w.status
		header.Set("Accept-Post", acceptedGRPC)
	}
	header.Del("Trailer")
	header["Content-Length"] = nil // or net/http would count the bytes of the body that there is not
	w.ResponseWriter.WriteHeader(status)
}

// isGRPC reports whether a content type is one of gRPC or gRPC-Web.
func isGRPC(contentType string) bool {
	return strings.HasPrefix(strings.ToLower(contentType), grpcContentType)
}
