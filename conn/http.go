package conn

import (
	"net"
	"net/http"
	"syscall"
	"time"
)

// http2 makes HTTP/2 connections, for the seed's protocol and the second carrier of links, by the same rules as links.
// guard, if not nil, may refuse the address that a name resolved to. All of them lead to the collector of the pin.
func (m *Manager) http2(guard func(resolved string) error, expected *pin) *http.Transport {
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if guard != nil {
			if err := guard(address); err != nil {
				return err
			}
		}
		return m.checkPlaintext(address)
	}}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(m.tls != nil)
	protocols.SetUnencryptedHTTP2(m.tls == nil)
	return &http.Transport{
		DialContext:     dialer.DialContext,
		TLSClientConfig: m.tlsFor(expected),
		Protocols:       protocols,
		HTTP2:           &http.HTTP2Config{SendPingTimeout: 2 * time.Second, PingTimeout: time.Second, WriteByteTimeout: 5 * time.Second},
		IdleConnTimeout: idleAfter,
	}
}

func withoutRedirects(transport *http.Transport) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (m *Manager) baseURL(address string) string {
	if m.tls != nil {
		return "https://" + address
	}
	return "http://" + address
}
