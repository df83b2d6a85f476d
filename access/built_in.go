package access

import (
	"errors"
	"sync"

	"github.com/collectiverpc/collective/access/internal/ruleset"
)

// builtInSets are the policies that are part of the program.
type builtInSets struct{ floor, standard, anonymous *ruleset.Set }

// builtIn reads them once. That they cannot be read is a bug, which tests find.
var builtIn = sync.OnceValues(func() (*builtInSets, error) {
	floor, err1 := ruleset.Read("floor", []byte(ruleset.Floor))
	standard, err2 := ruleset.Read("default", []byte(ruleset.Default))
	anonymous, err3 := ruleset.Read("allow-anonymous", []byte(ruleset.Anonymous))
	return &builtInSets{floor, standard, anonymous}, errors.Join(err1, err2, err3)
})

// repeated is a rule of a set whose id one that may be in force beside it has.
func (b *builtInSets) repeated(set *ruleset.Set) (*ruleset.Rule, bool) {
	if r, found := b.floor.Repeated(set); found {
		return r, true
	}
	return b.anonymous.Repeated(set)
}
