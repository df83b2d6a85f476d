package remote

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// throughProxy adds to a failure that nobody but a proxy may have been asked. f is about the session's collector.
func (e *explainer) throughProxy(f *failure.Error, err error) *failure.Error {
	proxy, _ := proxyFor(e.way.base) // an error is that of the request as well
	if proxy == nil {
		return e.withoutProxy(f)
	}
	asked := proxy.Redacted() + ", which " + e.proxyVariable() + " names"
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		f.What = fmt.Sprintf("the proxy cannot be reached, so the collector at %s was not asked", e.way.base)
		f.Why, f.Hints = []string{asked + ": " + RootCause(op.Err)}, nil
	} else {
		f.Because("it was asked through the proxy " + asked)
	}
	return f.Hint("with " + e.way.base.Hostname() + " in NO_PROXY it is asked directly")
}

// withoutProxy tells who may have meant one that it was not used.
func (e *explainer) withoutProxy(f *failure.Error) *failure.Error {
	if e.variable("ALL_PROXY") != "" && !isThisMachine(e.way.base.Hostname()) {
		f.Because("it was asked directly: ALL_PROXY is not read, HTTP_PROXY and HTTPS_PROXY are")
	}
	return f
}

// proxyVariable is the variable that names the proxy in use.
func (e *explainer) proxyVariable() string {
	variable := strings.ToUpper(e.way.base.Scheme) + "_PROXY"
	if e.env(variable) == "" {
		return strings.ToLower(variable)
	}
	return variable
}

// variable looks a variable up that may be written small, too.
func (e *explainer) variable(name string) string {
	return cmp.Or(e.env(name), e.env(strings.ToLower(name)))
}
