package apikey

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/access/authn/internal/digest"
	"github.com/collectiverpc/collective/mesh"
)

// maxShown is the bytes of what is taken for a key at all.
const maxShown = 256

// Authenticator knows callers by their API keys. It is safe for concurrent use; looking a key up takes no lock and
// allocates nothing.
type Authenticator struct {
	path    string
	keys    atomic.Pointer[map[Hash]*access.Principal]
	failure atomic.Pointer[error] // of the last reload; nil if it went well
}

// Open makes an authenticator for the keys of a file, which must be one that can be read and has no mistake. A file without
// keys lets nobody in.
func Open(path string) (*Authenticator, error) {
	a := &Authenticator{path: path}
	if err := a.Reload(); err != nil {
		return nil, err
	}
	return a, nil
}

// Authenticate gives who has the key that is shown. Both results are nil without a key. One that is not in the file is
// refused with a *connect.Error, whose reason package mesh tells. The context is not used.
func (a *Authenticator) Authenticate(_ context.Context, c *access.Credentials) (*access.Principal, error) {
	if c.APIKey == "" {
		return nil, nil //nolint:nilnil // nothing of its kind is shown
	}
	if len(c.APIKey) <= maxShown {
		if found := (*a.keys.Load())[Hash(digest.Of(c.APIKey))]; found != nil {
			return found, nil
		}
	}
	return nil, authn.Refuse(mesh.ReasonKeyUnknown,
		"the API key in X-Api-Key is not known here: it was cut, or removed, or is for another collector. `collector keys add` makes one")
}

// Files is the file of the keys.
func (a *Authenticator) Files() []string { return []string{a.path} }

// Reload reads the file again. If that fails, the keys that are known are kept.
func (a *Authenticator) Reload() error {
	keys, err := load(a.path)
	if err != nil {
		err = fmt.Errorf("API keys of %s: %w", a.path, err)
		a.failure.Store(&err)
		return err
	}
	a.keys.Store(&keys)
	a.failure.Store(nil)
	return nil
}

// Lines say for people how many keys there are.
func (a *Authenticator) Lines() []string {
	line := fmt.Sprintf("API keys of %s: %d", a.path, len(*a.keys.Load()))
	if failure := a.failure.Load(); failure != nil {
		line += fmt.Sprintf(" KEPT, since reading them again failed: %v", *failure)
	}
	return []string{line}
}

// Troubles says that the file cannot be used.
func (a *Authenticator) Troubles() []string {
	if failure := a.failure.Load(); failure != nil {
		return []string{fmt.Sprintf("%v; the keys from before are in force → collector keys ls --file %s", *failure, a.path)}
	}
	return nil
}

// load reads who has which key.
func load(path string) (map[Hash]*access.Principal, error) {
	records, err := Read(path)
	if err != nil {
		return nil, err
	}
	keys := make(map[Hash]*access.Principal, len(records))
	for _, record := range records {
		if keys[record.Hash], err = record.principal(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
