package token

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/mesh"
)

// checkTime judges the times of a token, and for whom it is made, and gives the time when it is over.
func (i *issuer) checkTime(said *claims, now time.Time) (until time.Time, err error) {
	if said.Expiry == nil {
		return until, malformed("it has no exp, and would be valid for ever")
	}
	until = said.Expiry.Time().Add(leeway)
	if !now.Before(until) {
		return until, authn.Refuse(mesh.ReasonTokenExpired,
			"the token expired %v ago: get a new one. %s", now.Sub(said.Expiry.Time()).Round(time.Second), i.clocks("If it is new"))
	}
	switch err := said.ValidateWithLeeway(jwt.Expected{AnyAudience: i.Audiences, Time: now}, leeway); {
	case errors.Is(err, jwt.ErrInvalidAudience):
		return until, authn.Refuse(mesh.ReasonTokenAudience,
			"the token was made for somebody else: get one with the audience %s", strings.Join(i.Audiences, " or "))
	case err != nil:
		return until, i.early(said, now)
	}
	return until, nil
}

// early refuses a token whose time has not come.
func (i *issuer) early(said *claims, now time.Time) error {
	// nbf and iat say the same of a clock that is behind: the later one decides how long it takes.
	var wait time.Duration
	for _, date := range []*jwt.NumericDate{said.NotBefore, said.IssuedAt} {
		if date != nil {
			wait = max(wait, date.Time().Sub(now))
		}
	}
	return authn.Refuse(mesh.ReasonTokenNotYetValid,
		"the token is from the future: it is valid in %v. %s", wait.Round(time.Second), i.clocks("If it is valid already"))
}

// clocks says how the clocks of the issuer and of this collector may be at fault.
func (i *issuer) clocks(when string) string {
	if known := i.clock.said(leeway); known != "" {
		return "It may be the clocks: " + known + ". Set it by NTP"
	}
	return when + ", the clocks of the issuer and of this collector differ by more than " + leeway.String() + ": set them by NTP"
}

// principal is who the claims of a verified token are of.
func (i *issuer) principal(said *claims) (*access.Principal, error) {
	if said.Subject == "" {
		return nil, malformed("it has no subject (sub)")
	}
	groups, err := i.groups(said)
	if err != nil {
		return nil, err
	}
	// The alias has no '|', so that the first one ends it: no subject makes a principal of another issuer.
	p, err := access.NewPrincipal(i.Kind, i.Alias+"|"+said.Subject, groups...)
	if err != nil {
		return nil, malformed("its subject or its groups are not within bounds: " + bounds)
	}
	return p, nil
}

// bounds are those of a principal, for people.
const bounds = "the alias of the issuer and the subject 256 bytes together, 128 groups of 256 bytes each and 3 KiB together, no control characters"

// groups are those that a token says. None are left out quietly where the issuer has too many to list: a policy that forbids
// something to a group would miss its members.
func (i *issuer) groups(said *claims) ([]string, error) {
	raw, found := claim(said.all, i.GroupsClaim)
	if !found {
		if elsewhere, _ := claim(said.all, "_claim_names"); hasKey(elsewhere, i.GroupsClaim) {
			return nil, malformed("its groups are too many to be in it (_claim_names): have the issuer list only those that are for this mesh")
		}
		return nil, nil
	}
	groups, err := list(raw)
	if err != nil {
		return nil, malformed("the claim " + i.GroupsClaim + " is neither a string nor a list of strings")
	}
	// A group that is called operators is a word of the issuer's directory; here it would be every right there is.
	operator := i.Operators != "" && slices.Contains(groups, i.Operators)
	groups = slices.DeleteFunc(groups, func(group string) bool { return group == access.GroupOperators })
	if operator {
		groups = append(groups, access.GroupOperators)
	}
	return groups, nil
}

// claim finds a claim by its name, or by a path of names with dots between them.
func claim(all map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if raw, found := all[name]; found {
		return raw, true
	}
	first, rest, nested := strings.Cut(name, ".")
	if !nested {
		return nil, false
	}
	var within map[string]json.RawMessage
	if json.Unmarshal(all[first], &within) != nil {
		return nil, false
	}
	return claim(within, rest)
}

func hasKey(raw json.RawMessage, key string) bool {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(raw, &object) // what is no object has no keys
	_, found := object[key]
	return found
}

// list reads a string, or a list of strings. An empty string, and null, are an empty list.
func list(raw json.RawMessage) (groups []string, err error) {
	var single string
	if json.Unmarshal(raw, &single) == nil {
		if single == "" { // or null
			return nil, nil
		}
		return []string{single}, nil
	}
	return groups, json.Unmarshal(raw, &groups)
}
