package callers

import (
	"github.com/spf13/pflag"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/envflag"
)

// Flags say who callers are, and what they may do.
type Flags struct {
	policy    string
	anonymous bool
	apiKeys   string

	issuer    string
	audiences []string
	groups    string
	operators string
	jwks      string
	authority string
}

// Add defines them.
func (f *Flags) Add(set *pflag.FlagSet) {
	set.StringVar(&f.policy, "policy", "", "Cedar file that says who may do what, instead of the default (see collector policy)")
	set.BoolVar(&f.anonymous, "allow-anonymous", false, "callers without credentials may call and describe from everywhere")
	set.StringVar(&f.apiKeys, "api-keys", "", "file with the hashes of API keys (see collector keys)")
	envflag.Bind(set, "api-keys", "COLLECTOR_API_KEYS")
	set.StringVar(&f.issuer, "oidc-issuer", "", "URL of the issuer whose tokens (JWT) are taken, as their iss has it; its keys are found by OIDC discovery")
	set.StringSliceVar(&f.audiences, "oidc-audience", nil, "for whom tokens must be made; needed with --oidc-issuer")
	set.StringVar(&f.groups, "oidc-groups-claim", "groups", "claim with the groups of a caller; dots lead into objects")
	set.StringVar(&f.operators, "oidc-operators", "", "group of the issuer whose members are operators here (default nobody)")
	set.StringVar(&f.jwks, "oidc-jwks", "", "JWKS file with the issuer's keys, instead of discovery")
	set.StringVar(&f.authority, "oidc-ca", "", "PEM file with the authorities of the issuer's certificate, instead of the system's")
}
