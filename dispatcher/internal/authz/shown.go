package authz

import (
	"context"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// The headers that have credentials. That of API keys is the mesh's own: nothing behind the entrance gets it.
const (
	headerAuthorization = "Authorization"
	headerAPIKey        = "X-Api-Key"
)

// read puts what the headers of a request have into its credentials. A header that comes twice is refused. What proxies say of a
// client, such as X-Forwarded-For, is no credential: everybody may send it. It is called before anything is authenticated, so that
// no order of authenticators matters to it, and it may be called for a caller who turns out to have a session.
func (a *Authorizer) read(shown *access.Credentials, authorization, apiKey []string) *refusal.Refusal {
	var err error
	if shown.Authorization, err = authn.One(headerAuthorization, authorization); err == nil {
		shown.APIKey, err = authn.One(headerAPIKey, apiKey)
	}
	if err != nil {
		return notBelieved(a.Guard.RefuseCredentials(shown, err))
	}
	return nil
}

// contradicts refuses a request that shows a token and an API key of two callers, or one of them that is bad: it would depend on
// the order of the authenticators whose call it is. Both are sent on purpose, unlike a certificate, which the connection has
// anyway: a gateway with one of its own passes tokens on. It asks twice, and only where both are shown, so that it costs nothing
// to those who show one. Each refusal is audited by the guard, as if that credential had been shown alone.
func (a *Authorizer) contradicts(ctx context.Context, shown *access.Credentials) *refusal.Refusal {
	if shown.Authorization == "" || shown.APIKey == "" {
		return nil
	}
	// A program behind the collector may have keys or tokens of its own, of which no authenticator here knows: they name nobody, and
	// contradict nothing. Two of one person, as while a caller goes from keys to tokens, do not contradict each other either.
	var named [2]*access.Principal
	// Each is judged as if it came alone, so that the refusal of one that is bad says what is wrong with it.
	for i, one := range []access.Credentials{{Authorization: shown.Authorization}, {APIKey: shown.APIKey}} {
		one.Remote = shown.Remote
		p, err := a.Guard.Authenticate(ctx, &one)
		if err != nil {
			return notBelieved(err)
		}
		named[i] = p
	}
	if named[0] == access.Nobody || named[1] == access.Nobody || named[0].String() == named[1].String() {
		return nil
	}
	return notBelieved(a.Guard.RefuseCredentials(shown, authn.Refuse(mesh.ReasonCredentialsRepeated,
		"the request has a token and an API key, which are of two callers: show one of them")))
}

// RefuseCertificate audits that TLS has refused the certificate of a client, who is told by TLS alone and makes no request. What the
// certificate says is not repeated: anybody may have made it.
func (a *Authorizer) RefuseCertificate(remote string, outOfTime bool) {
	refused := authn.Refuse(mesh.ReasonCertificateIdentity, "the client certificate leads to no authority that this collector trusts: make one with `collector pki issue`")
	if outOfTime {
		refused = authn.Refuse(mesh.ReasonCertificateExpired,
			"the client certificate has expired or is not yet valid: make a new one, and see that the clocks of both sides are right")
	}
	_ = a.Guard.RefuseCredentials(&access.Credentials{Remote: remote}, refused) // there is nobody to give it to
}
