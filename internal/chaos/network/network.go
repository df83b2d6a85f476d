package network

import (
	"os/exec"
	"time"
)

// Network has the sites of a run.
type Network interface {
	// Kind is "namespaces" or "relays".
	Kind() string
	// Add makes a site.
	Add(name string) (Site, error)
	// Close ends it; processes of its sites should have ended.
	Close()
}

// Site is where processes run.
type Site interface {
	// Start starts a command there.
	Start(command *exec.Cmd) error
	// Listen is the address at which a process of the site listens, and others of the site find it.
	Listen() string
	// Dial is the address by which other sites reach it.
	Dial() string
	// Cable is what connects it with the others.
	Cable() *Cable
}

// Fault is what happens to what goes through a direction of a cable. The zero value is nothing.
type Fault struct {
	// Lost is the share of packets that are lost, 1 for all.
	Lost float64
	// BitsPerSecond is how much goes through; 0 for as much as there is.
	BitsPerSecond int
}

// quantum is the most that waits for its turn in a slow direction, as in the buffer of a router.
const quantum = 64 << 10

// delay is how long so many bytes take.
func (f Fault) delay(bytes int) time.Duration {
	return time.Duration(bytes) * 8 * time.Second / time.Duration(f.BitsPerSecond)
}

// New makes the best network that the machine permits, and says why it is not the better one.
func New() (Network, string) {
	namespaces, err := newNamespaces()
	if err != nil {
		return NewRelays(), err.Error()
	}
	return namespaces, ""
}
