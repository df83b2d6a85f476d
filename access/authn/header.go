package authn

import (
	"strings"

	"github.com/collectiverpc/collective/mesh"
)

// One is the value of a header that may be sent once; empty if it is not sent. Values are those of all its lines. Two are
// refused, even two that are the same: a proxy and a collector that each read another one would take the request for that of
// two callers.
func One(name string, values []string) (string, error) {
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", Refuse(mesh.ReasonCredentialsRepeated,
		"the request has the header %s %d times: send it once, or see which proxy adds one", name, len(values))
}

// Scheme is what follows the scheme of an Authorization header, such as Bearer. ok is false if the header is of another
// scheme. Schemes are compared as HTTP does it, without regard to case.
func Scheme(authorization, scheme string) (credential string, ok bool) {
	given, credential, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(given, scheme) {
		return "", false
	}
	return strings.TrimLeft(credential, " "), true
}
