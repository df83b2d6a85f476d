package main

import (
	"context"
	"net"

	"golang.org/x/net/http2"
)

// stuckOverHTTP2 are the ways of HTTP/2, of which the target has to close the connection too.
// Requests of HTTP/2 have no version that could be answered by 505.
func stuckOverHTTP2(t *Target) []stuckWay {
	body := func(method, path string, more ...string) stuckWay {
		return onStream(t, nil, func(w *wire) error { return w.open(1, false, method, path, more...) })
	}
	const kind, proto = "content-type", "application/proto"
	ways := map[string]stuckWay{
		"preface":        writes("PRI * HTTP/2.0\r\n\r\nSM"),
		"head":           {stop: func(_ context.Context, c net.Conn) error { return halfHeader(c, t) }},
		"body":           body("POST", getUser, kind, proto),
		"404":            body("POST", nowhere, kind, proto),
		"405":            body("PUT", getUser, kind, proto),
		"413":            body("POST", getUser, kind, proto, "content-length", "1000000000"),
		"415":            body("POST", getUser, kind, "text/nonsense"),
		"426":            body("POST", linkPath),
		"403":            body("POST", getUser, kind, proto, "origin", "http://evil.example", "sec-fetch-site", "cross-site"),
		"timed_out":      body("POST", getUser, kind, proto, "connect-protocol-version", "1", "connect-timeout-ms", "500"),
		"grpc_timed_out": body("POST", getUser, kind, "application/grpc+proto", "te", "trailers", "grpc-timeout", "500m"),
		"envelope": onStream(t, nil, func(w *wire) error {
			if err := w.open(1, false, "POST", getUser, kind, "application/grpc+proto", "te", "trailers"); err != nil {
				return err
			}
			return w.data(1, false, []byte{0, 0xff, 0xff, 0xff, 0xff})
		}),
		"reader": onStream(t, []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 0}}, func(w *wire) error {
			if err := w.open(1, false, "POST", getUser, kind, "application/json"); err != nil {
				return err
			}
			return w.data(1, true, []byte(`{"id":"u-1"}`))
		}),
	}
	return named("h2", "http2_", ways)
}

// onStream stops in the middle of stream 1.
func onStream(t *Target, settings []http2.Setting, begin func(*wire) error) stuckWay {
	return stuckWay{stop: func(_ context.Context, c net.Conn) error {
		w, err := speak(c, t, settings...)
		if err != nil {
			return err
		}
		return begin(w)
	}}
}

// data sends a part of a body.
func (w *wire) data(id uint32, last bool, part []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.WriteData(id, last, part)
}

// halfHeader sends a header without its end.
func halfHeader(c net.Conn, t *Target) error {
	w, err := speak(c, t)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.headers("POST", getUser)})
}
