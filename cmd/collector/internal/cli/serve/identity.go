package serve

import (
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/remote"
	"github.com/collectiverpc/collective/conn"
)

// identity is how a certificate names its collector; nil if links need none.
func (f *Flags) identity(dialing remote.Certificates) (conn.Identity, error) {
	if f.clientCA == "" && f.trustDomain == "" {
		return nil, nil //nolint:nilnil // what others say of themselves is taken for true
	}
	if missing := f.missingForIdentity(dialing); len(missing) > 0 {
		return nil, failure.Usagef("--trust-domain and --tls-client-ca make collectors prove to each other who they are; missing for it: %s",
			strings.Join(missing, ", ")).Hint(
			"--tls-cert FILE --tls-key FILE --tls-client-ca FILE  # for those that dial it: its own, and whom to trust",
			"--cert FILE --key FILE --cacert FILE                 # the same for those that it dials",
			"--trust-domain NAME                                  # certificates have the URI spiffe://NAME/collector/ID")
	}
	rule, err := conn.SPIFFE(f.trustDomain)
	if err != nil {
		return nil, failure.Usagef("--trust-domain: %v", err)
	}
	return rule, nil
}

func (f *Flags) missingForIdentity(dialing remote.Certificates) (missing []string) {
	for _, need := range []struct{ flag, value string }{
		{"--trust-domain", f.trustDomain}, {"--tls-client-ca", f.clientCA},
		{"--tls-cert", f.tlsCert}, {"--tls-key", f.tlsKey},
		{"--cert", dialing.Cert}, {"--key", dialing.Key}, {"--cacert", dialing.CACert},
	} {
		if need.value == "" {
			missing = append(missing, need.flag)
		}
	}
	return missing
}
