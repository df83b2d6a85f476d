package origin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Pages are the web pages that may call a server from a browser: its own, and those of listed origins. It is immutable and
// safe for concurrent use.
type Pages struct {
	listed     []string
	protection *http.CrossOriginProtection
}

// NewPages lists origins, as browsers send them: scheme://host or scheme://host:port. It reports everything that is
// wrong with them at once.
func NewPages(origins ...string) (*Pages, error) {
	p := &Pages{listed: origins, protection: http.NewCrossOriginProtection()}
	var problems []error
	for _, listed := range origins {
		problem := checkOrigin(listed)
		if problem == nil {
			problem = p.protection.AddTrustedOrigin(listed)
		}
		problems = append(problems, problem)
	}
	return p, errors.Join(problems...)
}

// Lists reports whether a page of a listed origin asks.
func (p *Pages) Lists(r *http.Request) bool { return slices.Contains(p.listed, r.Header.Get("Origin")) }

// Check is nil for a page that may call, and for a program that is no browser. Unlike CrossOriginProtection it looks at
// requests of every method: a GET may be a call.
func (p *Pages) Check(r *http.Request) error {
	if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
		return nil
	}
	asked := *r
	asked.Method = http.MethodPost
	return p.protection.Check(&asked)
}

// checkOrigin compares with what browsers send, byte by byte, since that is how it is matched later.
func checkOrigin(origin string) error {
	switch {
	case strings.Contains(origin, "*"):
		return fmt.Errorf("origin %q would let in pages that nobody named: list the origins one by one", origin)
	case origin == "null":
		return fmt.Errorf("origin %q is what every sandboxed page sends: it cannot be listed", origin)
	}
	parsed, err := url.Parse(origin)
	if err != nil || parsed.Scheme == "" || parsed.Hostname() == "" || strings.ContainsFunc(origin, beyondASCII) {
		return fmt.Errorf("origin %q: want scheme://host or scheme://host:port, such as https://app.example", origin)
	}
	if sent := asSent(parsed); sent != origin {
		return fmt.Errorf("origin %q is not what browsers send: want %q", origin, sent)
	}
	return nil
}

// beyondASCII finds what a browser would have written as punycode or escaped.
func beyondASCII(r rune) bool { return r <= ' ' || r >= 0x7f }

// asSent is the origin of a page at u as browsers send it.
func asSent(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		port = ""
	}
	host = strings.TrimSuffix(net.JoinHostPort(host, port), ":")
	return u.Scheme + "://" + host
}
