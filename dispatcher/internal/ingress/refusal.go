package ingress

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// Refuse answers a refusal before there is a call, in the protocol of the request and in the form in which a handler's
// error leaves, or in plain text to what is no RPC client.
func (p *Port) Refuse(w http.ResponseWriter, r *http.Request, refused *refusal.Refusal) {
	receiveRest(w, r)
	w.Header().Set(mesh.HeaderExecutor, p.self)
	w.Header().Set(mesh.HeaderRoute, p.self)
	w.Header().Set(mesh.HeaderReason, string(refused.Reason))
	status := refused.Status
	if refused.Reason == mesh.ReasonMethodUnknown {
		status = http.StatusNotFound // 501 is left to handlers that are not implemented
	}
	if !p.isCall(r) {
		status = cmp.Or(status, refused.PlainStatus())
		http.Error(w, strconv.Itoa(status)+": "+refused.Message, status)
		return
	}
	failed := refused.Err(p.self)
	p.refused(r, shortPath(r.URL.Path), failed)
	_, plain := refusal.Outward(failed)
	answer := newRefusalWriter(w, r, status)
	if err := p.errors.Write(answer, r, plain); err != nil {
		p.log.DebugContext(r.Context(), "answering a refusal", "error", err)
	}
	answer.finish()
}

// isCall reports whether a request is one of an RPC client.
func (p *Port) isCall(r *http.Request) bool {
	return p.errors.IsSupported(r) && (r.Method != http.MethodGet || r.URL.Query().Has("encoding"))
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
