package ingress

import (
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// The headers by which the protocols name compressions, and what a content type of gRPC begins with.
const (
	grpcContentType       = "application/grpc"
	grpcEncoding          = "Grpc-Encoding"
	grpcAcceptEncoding    = "Grpc-Accept-Encoding"
	connectEncoding       = "Connect-Content-Encoding"
	connectAcceptEncoding = "Connect-Accept-Encoding"
)

// The media types of gRPC-Web, which a codec may follow after a plus sign. Text is base64 of the bytes of the other.
const (
	webType     = "application/grpc-web"
	webTypeText = "application/grpc-web-text"
)

// acceptedEncodings are the compressions of every entrance: what connecthttp has when it is given no others.
const acceptedEncodings = connect.CompressionNameGzip

// CheckProtocol refuses what connecthttp refuses in no form that a client of the protocol reads: a compression that is not
// known, with an empty name of the answer's own, and a codec of gRPC that is not known, with a bare 415.
func CheckProtocol(r *http.Request) *refusal.Refusal {
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

// isFramed reports whether a content type puts a length before each message.
func isFramed(contentType string) bool {
	return isGRPC(contentType) || strings.HasPrefix(strings.ToLower(contentType), "application/connect+")
}

// isGRPC reports whether a content type is one of gRPC or gRPC-Web.
func isGRPC(contentType string) bool {
	return strings.HasPrefix(strings.ToLower(contentType), grpcContentType)
}

// webForm tells whether a media type is one of gRPC-Web, and whether that is text.
func webForm(mediaType string) (web, text bool) {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	rest, web := strings.CutPrefix(strings.ToLower(strings.TrimSpace(mediaType)), webType)
	rest, text = strings.CutPrefix(rest, webTypeText[len(webType):])
	web = web && (rest == "" || rest[0] == '+')
	return web, web && text
}
