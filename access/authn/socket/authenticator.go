package socket

import (
	"context"
	"os"
	"os/user"
	"strconv"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/mesh"
)

// Authenticator knows operators by the user of their process. It is safe for concurrent use.
type Authenticator struct {
	own  uint32
	self *access.Principal // of own; made once, since it is the same for every connection
	root *access.Principal
}

// New makes an authenticator for the user of this process, and root.
func New() (*Authenticator, error) {
	return newAuthenticator(uint32(os.Geteuid())) //nolint:gosec // a user id has 32 bits; elsewhere it is -1, which nobody has
}

func newAuthenticator(own uint32) (a *Authenticator, err error) {
	a = &Authenticator{own: own}
	if a.self, err = operator(own); err != nil {
		return nil, err
	}
	a.root, err = operator(0)
	return a, err
}

// Authenticate gives the operator at the other end of a socket. Both results are nil for another connection. The context is
// not used.
func (a *Authenticator) Authenticate(_ context.Context, c *access.Credentials) (*access.Principal, error) {
	switch {
	case c.Socket == nil:
		return nil, nil //nolint:nilnil // nothing of its kind is shown
	case c.Socket.UID == a.own:
		return a.self, nil
	case c.Socket.UID == 0:
		return a.root, nil
	}
	return nil, authn.Refuse(mesh.ReasonSocketIdentity,
		"the socket is for the user of this collector (uid %d) and for root, and you are uid %d: use sudo -u, or another credential over the network",
		a.own, c.Socket.UID)
}

// Lines say for people who is taken for an operator.
func (a *Authenticator) Lines() []string {
	return []string{"unix socket: " + a.self.ID + " and root, as operators"}
}

func operator(uid uint32) (*access.Principal, error) {
	return access.NewPrincipal(access.KindUser, "uid:"+name(uid), access.GroupOperators)
}

// name is the name of a user where the system knows one and it is short enough, otherwise the number.
func name(uid uint32) string {
	text := strconv.FormatUint(uint64(uid), 10)
	if found, err := user.LookupId(text); err == nil && found.Username != "" && len(found.Username) <= 64 {
		return found.Username
	}
	return text
}
