package conn

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/link"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// announcement is this collector's catalog, encoded by namespace: a peer is told only of the namespaces it shares, and
// parts of an encoded catalog put one after the other are an encoded catalog.
type announcement struct {
	given   uint64 // revision of the catalog it was made of
	leaving bool
	parts   map[string][]byte
}

// Announce tells all peers what this collector serves: now, and whenever a link comes up. It is always the full set; an
// older revision than the last, unless zero, is ignored. The manager keeps no reference to catalog.
//
// A catalog that peers would refuse, with a malformed name or above 4 MiB or 100 000 methods, is logged and not
// announced.
func (m *Manager) Announce(catalog *meshv1.Catalog) {
	next, err := newAnnouncement(catalog)
	if err != nil {
		m.logger.Error("this collector's catalog is not announced: peers would refuse it", "error", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing || next.given != 0 && next.given < m.announced.Load().given {
		return
	}
	m.tell(next)
}

// tell makes an announcement the one that peers get. m.mu is held.
func (m *Manager) tell(next *announcement) {
	m.announced.Store(next)
	for s := range m.sessions {
		s.announceSoon()
	}
}

func newAnnouncement(catalog *meshv1.Catalog) (*announcement, error) {
	a := &announcement{given: catalog.GetRevision(), parts: make(map[string][]byte)}
	for _, method := range catalog.GetMethods() {
		if err := a.add(method.GetNamespace(), &meshv1.Catalog{Methods: []*meshv1.CatalogMethod{method}}); err != nil {
			return nil, err
		}
	}
	for _, schema := range catalog.GetSchemas() {
		if err := a.add(schema.GetNamespace(), &meshv1.Catalog{Schemas: []*meshv1.CatalogSchema{schema}}); err != nil {
			return nil, err
		}
	}
	var all []string
	for namespace := range a.parts {
		all = append(all, namespace)
	}
	_, err := parseCatalog(a.encode(a.given, all))
	return a, err
}

// add appends to the part of a namespace.
func (a *announcement) add(namespace string, part *meshv1.Catalog) error {
	encoded, err := proto.Marshal(part)
	a.parts[namespace] = append(a.parts[namespace], encoded...)
	return err
}

// encode makes the catalog of some namespaces.
func (a *announcement) encode(revision uint64, namespaces []string) []byte {
	out := protowire.AppendTag(nil, 1, protowire.VarintType) // Catalog.revision
	out = protowire.AppendVarint(out, revision)
	for _, namespace := range namespaces {
		out = append(out, a.parts[namespace]...)
	}
	if a.leaving {
		out = protowire.AppendTag(out, 4, protowire.VarintType) // Catalog.leaving
		out = protowire.AppendVarint(out, 1)
	}
	return out
}

// announceSoon asks the session to tell the peer our catalog as it is then.
func (s *session) announceSoon() {
	select {
	case s.news <- struct{}{}:
	default: // it has been asked and has not looked yet
	}
}

// announce tells the peer our catalog. Only run calls it.
func (s *session) announce() {
	s.told++
	data := s.m.announced.Load().encode(s.told, s.terms.Load().shared)
	if err := s.link.Announce(s.told, data); err != nil {
		s.m.logger.Debug("catalog not announced", "peer", s.peer.CollectorID, "error", err)
	}
}

// hear takes the peer's catalog. A wrong one is refused and the old one stays. The link calls it one at a time.
func (s *session) hear(_ *link.Link, revision uint64, data []byte) {
	<-s.known
	catalog, err := parseCatalog(data)
	if err != nil {
		s.m.logger.Warn("catalog refused, the last one stays in use", "peer", s.peer.CollectorID, "error", err)
		return
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if revision <= s.revision || s.gone {
		return
	}
	s.revision = revision
	switch t := s.terms.Load(); {
	case t != nil && t.consumer: // it serves nothing
		s.m.announceChange()
	case t == nil:
		s.catalog = catalog // settle takes it
		s.m.announceChange()
	case t.conn.live == s:
		t.conn.hears(s, catalog)
		s.m.publish(t.conn)
	}
}
