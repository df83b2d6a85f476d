package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/network"
)

// mesh is what most tests have: a front, a, and the hosts b and c.
type mesh struct {
	*Stage
	fronts map[string]*Process
	hosts  map[string]*Process
	config map[string]host.Config
}

// mesh starts one with two hosts. Each site has one collector; those of the clients are the front's.
func (s *Stage) mesh(b, c host.Config) (*mesh, error) {
	b.ID, c.ID = "b", "c"
	m := s.empty()
	return m, errors.Join(m.host(b), m.host(c), m.front("a", "b", "c"))
}

// empty is one without collectors.
func (s *Stage) empty() *mesh {
	return &mesh{s, make(map[string]*Process), make(map[string]*Process), make(map[string]host.Config)}
}

// host starts a host with an id, or once more.
func (m *mesh) host(c host.Config) error {
	site, err := m.site(c.ID)
	if err != nil {
		return err
	}
	c.Listen, c.Store, c.Ledger, c.Secret = site.Listen(), filepath.Join(m.dir, c.ID+".db"), m.dir, m.secret()
	m.config[c.ID] = c
	command, err := m.role("host")
	if err != nil {
		return err
	}
	m.hosts[c.ID], err = m.spawn(site, c.ID, command, c)
	return err
}

// again starts a host as it was.
func (m *mesh) again(id string) error { return m.host(m.config[id]) }

// front starts a collector that hosts nothing and dials others.
func (m *mesh) front(id string, joins ...string) error {
	site, err := m.site(id)
	if err != nil {
		return err
	}
	m.fronts[id], err = m.serve(site, id, id+".db", id, joins...)
	return err
}

// serve starts the binary in a site, with a store, and a name for its log.
func (m *mesh) serve(site network.Site, id, store, name string, joins ...string) (*Process, error) {
	addresses := make([]string, len(joins))
	for i, other := range joins {
		addresses[i] = m.sites[other].Dial()
	}
	command := exec.CommandContext(m.ctx, m.Collector, "serve", "--id", id, "--listen", site.Listen(), "--db", filepath.Join(m.dir, store),
		"--ns", host.Namespace, "--join", strings.Join(addresses, ","), "--mesh-secret-file", m.secret(), "--allow-plaintext", "--allow-anonymous",
		"--log-format", "text", "--until-eof")
	return m.spawn(site, name, command, nil)
}
