package cli

import (
	"strings"

	"github.com/collectiverpc/collective/conn"
)

// identity is how a certificate names its collector; nil if links need none.
func (a *app) identity(flags serveFlags) (conn.Identity, error) {
	if flags.clientCA == "" && flags.trustDomain == "" {
		return nil, nil //nolint:nilnil // what others say of themselves is taken for true
	}
	if missing := a.missingForIdentity(flags); len(missing) > 0 {
		return nil, usagef("--trust-domain and --tls-client-ca make collectors prove to each other who they are; missing for it: %s",
			strings.Join(missing, ", ")).hint(
			"--tls-cert FILE --tls-key FILE --tls-client-ca FILE  # for those that dial it: its own, and whom to trust",
			"--cert FILE --key FILE --cacert FILE                 # the same for those that it dials",
			"--trust-domain NAME                                  # certificates have the URI spiffe://NAME/collector/ID")
	}
	if a.flags.insecure {
		return nil, usagef("--insecure trusts any certificate, and with --trust-domain certificates are proofs: leave out one of them")
	}
	rule, err := conn.SPIFFE(flags.trustDomain)
	if err != nil {
		return nil, usagef("--trust-domain: %v", err)
	}
	return rule, nil
}

func (a *app) missingForIdentity(flags serveFlags) (missing []string) {
	for _, need := range []struct{ flag, value string }{
		{"--trust-domain", flags.trustDomain}, {"--tls-client-ca", flags.clientCA},
		{"--tls-cert", flags.tlsCert}, {"--tls-key", flags.tlsKey},
		{"--cert", a.flags.cert}, {"--key", a.flags.key}, {"--cacert", a.flags.cacert},
	} {
		if need.value == "" {
			missing = append(missing, need.flag)
		}
	}
	return missing
}
