package conn

import (
	"crypto/tls"
	"net"
	"net/http"
	"syscall"
	"time"
)

// http2 makes HTTP/2 connections, for the seed's protocol and the second carrier of links, by the same rules as links.
// guard, if not nil, may refuse the address that a name resolved to.
func (m *Manager) http2(guard func(resolved string) error) *http.Transport {
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
		TLSClientConfig: cloneTLS(m.tls),
		Protocols:       protocols,
		HTTP2:           &http.HTTP2Config{SendPingTimeout: 2 * time.Second, PingTimeout: time.Second, WriteByteTimeout: 5 * time.Second},
		IdleConnTimeout: idleAfter,
	}
}

func cloneTLS(config *tls.Config) *tls.Config {
	if config == nil {
		return nil
	}
	return config.Clone()
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
