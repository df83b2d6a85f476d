package server

import (
	"context"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/internal/conformance/service"
)

// Plain starts a connect-go server.
func Plain(ctx context.Context, setup Setup) (string, func(), error) {
	server := connect.NewServer()
	service.Register(server)
	var opts []connecthttp.Option
	if setup.ReceiveLimit > 0 {
		opts = append(opts, connecthttp.WithReadMaxBytes(setup.ReceiveLimit))
	}
	mux := http.NewServeMux()
	connecthttp.Mount(mux, server, opts...)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(setup.TLS == nil)
	httpServer := &http.Server{Handler: mux, TLSConfig: setup.TLS, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if setup.TLS != nil {
			_ = httpServer.ServeTLS(listener, "", "")
			return
		}
		_ = httpServer.Serve(listener)
	}()
	return listener.Addr().String(), func() {
		_ = httpServer.Close()
		<-stopped
	}, nil
}
