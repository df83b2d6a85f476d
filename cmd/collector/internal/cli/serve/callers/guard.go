package callers

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/access/authn/certificate"
	"github.com/collectiverpc/collective/access/authn/socket"
	"github.com/collectiverpc/collective/access/authn/token"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
)

// Guard makes the guard that the flags ask for. trustDomain is that of client certificates, empty for none. What it
// returns is closed by the caller, whatever the error.
func (f *Flags) Guard(trustDomain string, log *slog.Logger) (guard *access.Guard, closing func(), err error) {
	closing = func() {}
	tokens, err := f.tokens(log)
	if err != nil {
		return nil, closing, err
	}
	options := []access.Option{access.WithLogger(log), access.WithPolicyFile(f.policy)}
	if tokens != nil {
		closing = func() { _ = tokens.Close() }
		options = append(options, access.WithAuthenticator(tokens))
	}
	others, err := f.others(trustDomain)
	if err != nil {
		return nil, closing, err
	}
	options = append(options, access.WithAuthenticator(others...))
	if f.anonymous {
		options = append(options, access.WithAnonymous())
	}
	guard, err = access.New(options...)
	if err != nil {
		return nil, closing, failure.Usagef("--policy: %v", err).Hint("collector policy check " + f.policy)
	}
	return guard, closing, nil
}

// tokens is nil without an issuer.
func (f *Flags) tokens(log *slog.Logger) (*token.Authenticator, error) {
	if f.issuer == "" {
		return nil, nil //nolint:nilnil // no tokens
	}
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	tokens, err := token.New([]token.Issuer{{
		URL: f.issuer, Audiences: f.audiences, KeysFile: f.jwks, GroupsClaim: f.groups, Operators: f.operators,
	}}, token.WithLogger(log), token.WithClient(client))
	if err != nil {
		return nil, failure.Usagef("--oidc-issuer: %v", err)
	}
	return tokens, nil
}

// client trusts the authorities that are given, or those of the system.
func (f *Flags) client() (*http.Client, error) {
	if f.authority == "" {
		return http.DefaultClient, nil
	}
	pool, err := remote.ReadAuthorities("--oidc-ca", f.authority)
	if err != nil {
		return nil, err
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the HTTP transport of this process was replaced")
	}
	transport = transport.Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	return &http.Client{Transport: transport}, nil
}

// others are the authenticators that have nothing to close.
func (f *Flags) others(trustDomain string) (all []access.Authenticator, err error) {
	if f.apiKeys != "" {
		keys, err := apikey.Open(f.apiKeys)
		if err != nil {
			return nil, failure.Usagef("--api-keys: %v", err).Hint("collector keys add NAME --file " + f.apiKeys + "     # makes the file, and a key")
		}
		all = append(all, keys)
	}
	if trustDomain != "" {
		people, err := certificate.New(trustDomain)
		if err != nil {
			return nil, failure.Usagef("--trust-domain: %v", err)
		}
		all = append(all, people)
	}
	operators, err := socket.New()
	if err != nil {
		return nil, err
	}
	return append(all, operators), nil
}
