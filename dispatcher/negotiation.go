package dispatcher

import (
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
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
func misspoken(r *http.Request) *refusal {
	contentType := r.Header.Get("Content-Type")
	if !isFramed(contentType) {
		return nil
	}
	if codec, ok := grpcCodec(contentType); ok && !slices.Contains(grpcCodecs, codec) {
		r := refuse(connect.CodeUnimplemented, reasonInvalidRequest,
			"unknown codec in content type "+quoted(contentType)+": use one of "+acceptedGRPC)
		r.status, r.protocol = http.StatusUnsupportedMediaType, true
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
		r := refuse(connect.CodeUnimplemented, reasonInvalidRequest,
			"unknown compression "+quoted(encoding)+": send "+acceptedEncodings+", or no compression")
		r.protocol = true
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
