package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
)

// source is where the key set of an issuer is read from. What it gives may be garbage or an attacker's: it is bounded, and
// judged by who asked. Its errors name addresses and files, and are for the log and the operator.
type source interface {
	read(ctx context.Context) ([]byte, error)
}

// file is a JWKS file.
type file string

func (f file) read(context.Context) ([]byte, error) {
	opened, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	return io.ReadAll(io.LimitReader(opened, maxKeyBytes+1))
}

// discovery finds the keys of an issuer as OpenID Connect says it.
type discovery struct {
	issuer string
	client *http.Client
}

// newDiscovery bounds what the client takes from an issuer, and notes the issuer's time.
func newDiscovery(issuer string, client *http.Client, clock *clock) *discovery {
	bounded := *client // a copy: the program's own client stays as it is
	bounded.CheckRedirect = checkRedirect
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	bounded.Transport = &boundedTransport{next: next, clock: clock}
	return &discovery{issuer: issuer, client: &bounded}
}

// read asks for both documents each time: an issuer may move its keys.
func (d *discovery) read(ctx context.Context) ([]byte, error) {
	ctx = oidc.ClientContext(ctx, d.client)
	provider, err := oidc.NewProvider(ctx, d.issuer)
	if err != nil {
		return nil, err
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, err
	}
	if err := checkURI(found.Keys); err != nil {
		return nil, err
	}
	return d.get(ctx, found.Keys)
}

// checkURI refuses an address of keys that is not as safe as that of the issuer.
func checkURI(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return errors.New("its discovery names no jwks_uri")
	}
	return checkTransport(u)
}

// get reads the key set itself, by the same bounded client. Only 200 is an answer: an error page may be JSON too, and would be
// taken for a set without keys.
func (d *discovery) get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", address, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// checkRedirect follows few, and none to where keys would be read in the clear.
func checkRedirect(to *http.Request, via []*http.Request) error {
	const maxRedirects = 3
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	return checkTransport(to.URL)
}

// boundedTransport ends answers that are too large: an issuer is trusted with names and not with this process's memory.
type boundedTransport struct {
	next  http.RoundTripper
	clock *clock
}

// RoundTrip implements [http.RoundTripper].
func (t *boundedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	asked := t.clock.now()
	answer, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	t.clock.note(answer.Header.Get("Date"), asked, t.clock.now())
	// The body is bounded here because discovery reads it to its end, whatever that is.
	answer.Body = http.MaxBytesReader(nil, answer.Body, maxKeyBytes)
	return answer, nil
}
