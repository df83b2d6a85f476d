package authz

import (
	"testing"

	"github.com/collectiverpc/collective/access"
)

// A key is remembered for its connection, as it is, until the guard is read again.
func TestKeysAreRememberedUntilTheGuardIsReadAgain(t *testing.T) {
	t.Parallel()
	alice, err := access.NewPrincipal(access.KindUser, "alice")
	if err != nil {
		t.Fatal(err)
	}
	var unknown *Connection
	unknown.rememberKey(&keyProof{key: "key", principal: alice})
	c := new(Connection)
	c.rememberKey(&keyProof{key: "key", principal: alice, revision: 1})
	for _, tt := range []struct {
		of       *Connection
		key      string
		revision uint64
		want     *access.Principal
	}{{c, "key", 1, alice}, {c, "key", 2, nil}, {c, "ke", 1, nil}, {c, "keY", 1, nil}, {c, "", 1, nil}, {new(Connection), "key", 1, nil}, {unknown, "key", 0, nil}} {
		if got := tt.of.keyHolder(tt.key, tt.revision); got != tt.want {
			t.Errorf("%q at revision %d is %v's, want %v's", tt.key, tt.revision, got, tt.want)
		}
	}
}
