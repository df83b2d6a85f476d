package header

import (
	"strings"

	"connectrpc.com/connect/v2"
)

// SetCookie is the response header by which a server writes into a browser's cookies.
const SetCookie = "Set-Cookie"

// Steers reports whether a response header, by its canonical name, tells a browser or a proxy what to do with the origin
// of the collector, rather than the caller something of the answer: its cookies and storage, its transport security, where
// it is found, who may frame or script it, what is reported about it, and what a proxy answers in its place. A peer has no
// say in that: the origin is the entrance's, and is shared by all that it serves.
func Steers(name string) bool {
	switch name {
	case SetCookie, "Set-Cookie2", "Clear-Site-Data", "Set-Login", // what the browser keeps of the origin
		"Strict-Transport-Security", "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Expect-Ct", "Alt-Svc", "Alt-Used", // how it is reached
		"Location", "Refresh", "Link", "Content-Location", "Service-Worker-Allowed", "Sourcemap", "X-Sourcemap", // where it is
		"Www-Authenticate", "Authentication-Info", "Optional-Www-Authenticate", // how it is logged in to
		"Content-Security-Policy", "Content-Security-Policy-Report-Only", "X-Content-Security-Policy", "X-Webkit-Csp",
		"Permissions-Policy", "Feature-Policy", "Document-Policy", "Referrer-Policy", "Origin-Agent-Cluster", "Integrity-Policy",
		"X-Frame-Options", "X-Content-Type-Options", "X-Xss-Protection", "X-Permitted-Cross-Domain-Policies", "X-Dns-Prefetch-Control",
		"Timing-Allow-Origin", "Supports-Loading-Mode", "Speculation-Rules", "Observe-Browsing-Topics", "Activate-Storage-Access",
		"Accept-Ch", "Critical-Ch", "Accept-Ch-Lifetime", // what pages of it may do
		"Report-To", "Reporting-Endpoints", "Nel", // where the browser reports to
		"X-Sendfile", "X-Lighttpd-Send-File", "X-Lighttpd-Send-Tempfile", "X-Reproxy-Url", "Surrogate-Control", // what proxies do
		"Server", "Via":
		return true
	}
	return strings.HasPrefix(name, "Cross-Origin-") || strings.HasPrefix(name, "Sec-") ||
		strings.HasPrefix(name, "X-Accel-") || strings.HasPrefix(name, "X-Litespeed-")
}

// CopyAnswer gives response headers or trailers of a handler of this process on towards the caller, who shares the values.
func CopyAnswer(to, from *connect.Header) {
	for name, values := range from.All() {
		if passesBack(name) {
			share(to, name, values)
		}
	}
}

// CopyPeerAnswer is [CopyAnswer] for the answer of a peer, without what steers the browser or the proxy of the caller.
// cookies tells whether peers may set cookies all the same.
func CopyPeerAnswer(to, from *connect.Header, cookies bool) {
	for name, values := range from.All() {
		if passesBack(name) && (!Steers(spelled(name)) || cookies && name == SetCookie) {
			share(to, name, values)
		}
	}
}

func passesBack(name string) bool { return Passes(name) || name == "Vary" }
