package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what a principal is: the type of its entity in Cedar.
type Kind string

// The kinds of principals.
const (
	// KindUser is a person, as a token, a certificate or the socket of the operating system says.
	KindUser Kind = "User"
	// KindService is a program that calls on its own behalf.
	KindService Kind = "Service"
	// KindCollector is a collector whose link proved it.
	KindCollector Kind = "Collector"
	// KindAnonymous is whoever shows no credentials.
	KindAnonymous Kind = "Anonymous"
)

// The bounds of a principal, so that its text fits what a call may bring over a link.
const (
	maxID         = 256     // bytes of an id, and of the name of a group
	maxGroups     = 128     // groups
	maxGroupBytes = 3 << 10 // bytes of the names of all groups
)

// GroupOperators is the group whose members may do everything by the default policy.
const GroupOperators = "operators"

// GroupObservers is the group whose members may call, describe and observe by the default policy, such as console sessions that
// only look.
const GroupObservers = "observers"

// ErrPrincipal is in the chain of every refusal of a principal that cannot be.
var ErrPrincipal = errors.New("invalid principal")

// Principal is who asks for something. It must not be changed once it is made, and is shared freely.
type Principal struct {
	// Kind is the type of its entity.
	Kind Kind
	// ID tells it from others of its kind: 1 to 256 bytes of UTF-8 without control characters.
	ID string
	// Groups is what it belongs to, sorted and without duplicates: at most 128, and 3 KiB of names together.
	Groups []string
}

// Nobody is the principal of callers without credentials.
var Nobody = &Principal{Kind: KindAnonymous, ID: "anonymous"}

// NewPrincipal makes a principal of its parts. Groups may come in any order. It refuses with [ErrPrincipal] what is not
// within the bounds of the fields of [Principal], so that an authenticator can say which name is at fault.
func NewPrincipal(kind Kind, id string, groups ...string) (*Principal, error) {
	sorted := slices.Clone(groups)
	slices.Sort(sorted)
	p := &Principal{Kind: kind, ID: id, Groups: slices.Compact(sorted)}
	if len(p.Groups) == 0 {
		p.Groups = nil
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

// Check refuses a principal that cannot be, with [ErrPrincipal] and what is at fault.
func (p *Principal) Check() error {
	switch p.Kind {
	case KindUser, KindService, KindCollector:
	case KindAnonymous:
		if p.ID != Nobody.ID || len(p.Groups) > 0 {
			return fmt.Errorf("%w: anonymous has the id %q and no groups: use access.Nobody", ErrPrincipal, Nobody.ID)
		}
		return nil
	default:
		return fmt.Errorf("%w: the kind %.80q is none of User, Service, Collector, Anonymous", ErrPrincipal, string(p.Kind))
	}
	if err := checkName("id", p.ID); err != nil {
		return err
	}
	return checkGroups(p.Groups)
}

func checkGroups(groups []string) error {
	size := 0
	for i, group := range groups {
		if err := checkName("group", group); err != nil {
			return err
		}
		if i > 0 && groups[i-1] >= group {
			return fmt.Errorf("%w: groups are not sorted or not unique: make it by access.NewPrincipal", ErrPrincipal)
		}
		size += len(group)
	}
	if len(groups) > maxGroups || size > maxGroupBytes {
		return fmt.Errorf("%w: %d groups of %d bytes, more than %d or %d bytes: let the authenticator keep only those that policies name",
			ErrPrincipal, len(groups), size, maxGroups, maxGroupBytes)
	}
	return nil
}

// checkName refuses what could break a line of a log or of a caller's text.
func checkName(what, s string) error {
	switch {
	case s == "" || len(s) > maxID:
		return fmt.Errorf("%w: %s %.80q has %d bytes: want 1 to %d", ErrPrincipal, what, s, len(s), maxID)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, isUnprintable):
		return fmt.Errorf("%w: %s %.80q is not UTF-8, or has control characters", ErrPrincipal, what, s)
	default:
		return nil
	}
}

// isUnprintable covers line ends and the characters by which a name would show as another, such as those of direction.
func isUnprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// In reports whether the principal belongs to a group.
func (p *Principal) In(group string) bool {
	_, found := slices.BinarySearch(p.Groups, group)
	return found
}

// String is the principal as Cedar writes it: `User::"alice"`.
func (p *Principal) String() string { return fmt.Sprintf("%s::%q", string(p.Kind), p.ID) }
