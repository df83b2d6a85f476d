package ingress

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

// A connection of HTTP/2 is pinged after PingAfter of silence and given up when no answer comes within PingTimeout, or
// when its client takes no byte for WriteTimeout.
const (
	PingAfter    = 9 * time.Second
	PingTimeout  = 4 * time.Second
	WriteTimeout = 10 * time.Second
)

// Server makes an HTTP server within the limits: HTTP/1.1 and HTTP/2, without TLS too, or with TLS if config is not nil.
// Its ConnContext, its ConnState and its BaseContext are part of that: who sets others calls these.
// It has no timeout for a whole request or answer, which would end streams.
func (p *Port) Server(handler http.Handler, config *tls.Config) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // links begin as an HTTP/1.1 upgrade
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(config == nil)
	server := &http.Server{
		Handler:           p.rules.Handler(p.BoundHeaders(handler)),
		TLSConfig:         config,
		Protocols:         protocols,
		ReadHeaderTimeout: p.limits.HeaderTimeout,
		IdleTimeout:       p.limits.IdleTimeout,
		ConnContext:       withPlace,
		ConnState:         p.underway.follow,
		MaxHeaderBytes:    p.limits.headerRoom(),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          p.limits.Streams,
			MaxReceiveBufferPerStream:     p.limits.StreamBytes,
			MaxReceiveBufferPerConnection: p.limits.ConnectionBytes,
			SendPingTimeout:               PingAfter,
			PingTimeout:                   PingTimeout,
			WriteByteTimeout:              WriteTimeout,
		},
		ErrorLog: slog.NewLogLogger(handshakeLog{p.log.Handler(), p.RefusedCertificate}, slog.LevelDebug),
	}
	meters := &meters{port: p, server: server}
	server.BaseContext = meters.begin
	return server
}
