package relay

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/internal/conformance/compat"
	conformancev1 "github.com/collectiverpc/collective/internal/conformance/gen/connectrpc/conformance/v1"
)

// header has the part of a ClientCompatRequest that says how to speak to the reference server.
const header = "Conformance-Reference-Bin"

// Address puts into the headers of a call where the relay has to take it.
func Address(to *connect.Header, req *conformancev1.ClientCompatRequest) error {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(&conformancev1.ClientCompatRequest{
		HttpVersion:         req.GetHttpVersion(),
		Protocol:            req.GetProtocol(),
		Codec:               req.GetCodec(),
		Compression:         req.GetCompression(),
		Host:                req.GetHost(),
		Port:                req.GetPort(),
		ServerTlsCert:       req.GetServerTlsCert(),
		ClientTlsCreds:      req.GetClientTlsCreds(),
		MessageReceiveLimit: req.GetMessageReceiveLimit(),
		UseGetHttpMethod:    req.GetUseGetHttpMethod(),
	})
	if err != nil {
		return err
	}
	to.Set(header, connect.EncodeBinaryHeader(data))
	return nil
}

// References are the transports to reference servers. They keep their connections for as long as the process lives.
type References struct {
	mu   sync.Mutex
	made map[string]connect.Transport // by header
}

// NewReferences makes no connection yet.
func NewReferences() *References { return &References{made: make(map[string]connect.Transport)} }

// Transport returns the transport for a call that the suite asks for.
func (r *References) Transport(req *conformancev1.ClientCompatRequest) (connect.Transport, error) {
	var address connect.Header
	if err := Address(&address, req); err != nil {
		return nil, err
	}
	return r.named(address.Get(header))
}

func (r *References) named(address string) (connect.Transport, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if made, ok := r.made[address]; ok {
		return made, nil
	}
	data, err := connect.DecodeBinaryHeader(address)
	if err != nil {
		return nil, err
	}
	req := new(conformancev1.ClientCompatRequest)
	if err := proto.Unmarshal(data, req); err != nil {
		return nil, err
	}
	made, err := newTransport(req)
	if err == nil {
		r.made[address] = made
	}
	return made, err
}

func newTransport(req *conformancev1.ClientCompatRequest) (connect.Transport, error) {
	config, err := compat.ClientTLS(req)
	if err != nil {
		return nil, err
	}
	protocols, scheme := new(http.Protocols), "http://"
	protocols.SetHTTP1(req.GetHttpVersion() == conformancev1.HTTPVersion_HTTP_VERSION_1)
	protocols.SetHTTP2(req.GetHttpVersion() == conformancev1.HTTPVersion_HTTP_VERSION_2 && config != nil)
	protocols.SetUnencryptedHTTP2(req.GetHttpVersion() == conformancev1.HTTPVersion_HTTP_VERSION_2 && config == nil)
	if config != nil {
		scheme = "https://"
	}
	client := &http.Client{Transport: &http.Transport{Protocols: protocols, TLSClientConfig: config, DisableCompression: true}}
	opts, err := options(req)
	if err != nil {
		return nil, err
	}
	url := scheme + net.JoinHostPort(req.GetHost(), strconv.Itoa(int(req.GetPort())))
	return connecthttp.NewTransport(client, url, opts...), nil
}

func options(req *conformancev1.ClientCompatRequest) ([]connecthttp.Option, error) {
	var opts []connecthttp.Option
	switch req.GetProtocol() {
	case conformancev1.Protocol_PROTOCOL_GRPC:
		opts = append(opts, connecthttp.WithGRPC())
	case conformancev1.Protocol_PROTOCOL_GRPC_WEB:
		opts = append(opts, connecthttp.WithGRPCWeb())
	}
	if req.GetCodec() == conformancev1.Codec_CODEC_JSON {
		opts = append(opts, connecthttp.WithProtoJSON())
	}
	switch req.GetCompression() {
	case conformancev1.Compression_COMPRESSION_GZIP:
		opts = append(opts, connecthttp.WithSendGzip())
	case conformancev1.Compression_COMPRESSION_IDENTITY, conformancev1.Compression_COMPRESSION_UNSPECIFIED:
		opts = append(opts, connecthttp.WithCompressors())
	default:
		return nil, fmt.Errorf("compression %v is not in config.yaml", req.GetCompression())
	}
	if limit := req.GetMessageReceiveLimit(); limit > 0 {
		opts = append(opts, connecthttp.WithReadMaxBytes(int(limit)))
	}
	if req.GetUseGetHttpMethod() {
		opts = append(opts, connecthttp.WithHTTPGet())
	}
	return opts, nil
}
