package dispatcher

import (
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

const (
	grpcContentType       = "application/grpc"
	grpcEncoding          = "Grpc-Encoding"
	grpcAcceptEncoding    = "Grpc-Accept-Encoding"
	connectEncoding       = "Connect-Content-Encoding"
	connectAcceptEncoding = "Connect-Accept-Encoding"
)

// acceptedEncodings are the compressions of every entrance: what connecthttp has when it is given no others.
const acceptedEncodings = connect.CompressionNameGzip

// misspoken refuses what connecthttp refuses in no form that a client of the protocol reads: a compression that is not
// known, with an empty name of the answer's own, and a codec of gRPC that is not known, with a bare 415.
func misspoken(r *http.Request) *refusal.Refusal {
	contentType := r.Header.Get("Content-Type")
	if !isFramed(contentType) {
		return nil
	}
	if codec, ok := grpcCodec(contentType); ok && !slices.Contains(grpcCodecs, codec) {
		r := refusal.New(connect.CodeUnimplemented, mesh.ReasonInvalidRequest,
			"unknown codec in content type "+refusal.Quoted(contentType)+": use one of "+acceptedGRPC)
		r.Status, r.Protocol = http.StatusUnsupportedMediaType, true
		return r
	}
	name := connectEncoding
	if isGRPC(contentType) {
		name = grpcEncoding
	}
	switch encoding := r.Header.Get(name); encoding {
	case "", connect.CompressionNameIdentity, acceptedEncodings:
		return nil
	default:
		r := refusal.New(connect.CodeUnimplemented, mesh.ReasonInvalidRequest,
			"unknown compression "+refusal.Quoted(encoding)+": send "+acceptedEncodings+", or no compression")
		r.Protocol = true
		return r
	}
}

var grpcCodecs = []string{connect.CodecNameProto, connect.CodecNameJSON}

// acceptedGRPC are the content types of gRPC that name a codec.
const acceptedGRPC = "application/grpc+json, application/grpc+proto, application/grpc-web+json, application/grpc-web+proto"

// grpcCodec is the codec that a content type of gRPC or gRPC-Web names.
func grpcCodec(contentType string) (codec string, ok bool) {
	mediaType, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	rest, ok := strings.CutPrefix(strings.TrimSpace(mediaType), grpcContentType)
	if !ok {
		return "", false
	}
	return strings.CutPrefix(strings.TrimPrefix(rest, "-web"), "+")
}
