package conn

import (
	"fmt"
	"strings"
)

// check verifies what a table is built on: peers are sorted by id, and each is found by its own.
func (t *Table) check() error {
	for i, p := range t.peers {
		if i > 0 && strings.Compare(t.peers[i-1].ID, p.ID) >= 0 {
			return fmt.Errorf("peer %q comes before %q", t.peers[i-1].ID, p.ID)
		}
		if found, ok := t.Peer(p.ID); !ok || found != p {
			return fmt.Errorf("peer %q is not found by its id", p.ID)
		}
	}
	return nil
}
