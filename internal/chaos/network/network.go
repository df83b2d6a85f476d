package network

import "os/exec"

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
