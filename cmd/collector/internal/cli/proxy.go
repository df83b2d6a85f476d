package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// proxyFor is the proxy that the environment puts before a URL, nil for none. This machine is always asked directly:
// 0.0.0.0, as collectors say that they listen, and every spelling of localhost too.
func proxyFor(to *url.URL) (*url.URL, error) {
	if isThisMachine(to.Hostname()) {
		return nil, nil //nolint:nilnil // as http.Transport.Proxy has it
	}
	return http.ProxyFromEnvironment(&http.Request{URL: to})
}

func isThisMachine(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && (address.Unmap().IsLoopback() || address.IsUnspecified())
}

// throughProxy adds to a failure that nobody but a proxy may have been asked. f is about the session's collector.
func (s *session) throughProxy(f *failure, err error) *failure {
	proxy, _ := proxyFor(s.base) // an error is that of the request as well
	if proxy == nil {
		return s.withoutProxy(f)
	}
	asked := proxy.Redacted() + ", which " + s.proxyVariable() + " names"
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		f.what = fmt.Sprintf("the proxy cannot be reached, so the collector at %s was not asked", s.base)
		f.why, f.hints = []string{asked + ": " + rootCause(op.Err)}, nil
	} else {
		f.why = append(f.why, "it was asked through the proxy "+asked)
	}
	return f.hint("with " + s.base.Hostname() + " in NO_PROXY it is asked directly")
}

// withoutProxy tells who may have meant one that it was not used.
func (s *session) withoutProxy(f *failure) *failure {
	if s.env("ALL_PROXY") != "" && !isThisMachine(s.base.Hostname()) {
		f.why = append(f.why, "it was asked directly: ALL_PROXY is not read, HTTP_PROXY and HTTPS_PROXY are")
	}
	return f
}

// proxyVariable is the variable that names the proxy in use.
func (s *session) proxyVariable() string {
	variable := strings.ToUpper(s.base.Scheme) + "_PROXY"
	if s.app.io.Env(variable) == "" {
		return strings.ToLower(variable)
	}
	return variable
}

// env looks a variable up that may be written small, too.
func (s *session) env(variable string) string {
	if value := s.app.io.Env(variable); value != "" {
		return value
	}
	return s.app.io.Env(strings.ToLower(variable))
}
