package peerschema

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// Source is where schemas are from: a namespace of a peer.
type Source struct{ Collector, Namespace string }

// Known is what this collector knows of the schemas of its peers at one moment. It never changes.
// The learner makes a new one for each change, so whoever has one reads it without a lock and sees one moment of it.
type Known struct {
	schemas     map[Source]*Schema
	comparisons map[pair]routing.Comparison
	// Replaced is closed when another one takes its place.
	Replaced chan struct{}
}

// newKnown is of nothing.
func newKnown() *Known {
	return &Known{schemas: make(map[Source]*Schema), Replaced: make(chan struct{})}
}

// Of is the schemas of a namespace on a peer; nil if they are not known, or k is nil.
func (k *Known) Of(collector, namespace string) *Schema {
	if k == nil {
		return nil
	}
	return k.schemas[Source{collector, namespace}]
}

// All are all of them, in the order of the peers' ids and then of the namespaces.
func (k *Known) All() iter.Seq2[Source, *Schema] {
	sources := slices.SortedFunc(maps.Keys(k.schemas), func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.Collector, b.Collector), cmp.Compare(a.Namespace, b.Namespace))
	})
	return func(yield func(Source, *Schema) bool) {
		for _, source := range sources {
			if !yield(source, k.schemas[source]) {
				return
			}
		}
	}
}

// Complete reports whether all that a peer has announced is known or refused.
// A namespace without files counts as known: its methods are untyped. Without a catalog nothing is, since the peer is yet to
// say what there is.
func (k *Known) Complete(peer *conn.Peer) bool {
	if peer.Catalog == nil {
		return false
	}
	for _, namespace := range peer.Shared {
		hashes := peer.Catalog.Files(namespace)
		if p := k.Of(peer.ID, namespace); len(hashes) > 0 && (p == nil || !sameHashes(p.Hashes, hashes)) {
			return false
		}
	}
	return true
}

// Compare is what is known of two schemas of a method, by their fingerprints. It is for [routing.Schemas].
func (k *Known) Compare(ours, theirs uint64) (routing.Comparison, bool) {
	found, ok := k.comparisons[pair{ours, theirs}]
	return found, ok
}

// Missing says why the schemas of a peer are not known. It is for [routing.Schemas].
func (k *Known) Missing(collector, namespace string) string {
	if p := k.Of(collector, namespace); p != nil && p.Err != nil {
		return ": " + p.Refusal()
	}
	return " yet"
}

// Refusals say of whose schemas files are refused, which ones and why.
func (k *Known) Refusals() []string {
	var texts []string
	for source, p := range k.All() {
		if p.Err != nil {
			texts = append(texts, "the schemas of "+source.Collector+" in namespace "+source.Namespace+" are not shown"+p.howFar()+": "+p.Refusal())
		}
	}
	return texts
}

// like finds schemas with the same files on any peer; nil if there are none.
// Sharing them saves the pull and the memory in meshes where many collectors run one program. Those of which something is
// refused are not shared: a peer may name the files of another one, and not have them.
func (k *Known) like(hashes [][]byte) *Schema {
	for _, p := range k.schemas {
		if p.Err == nil && sameHashes(p.Hashes, hashes) {
			return p
		}
	}
	return nil
}

// file finds a file by its hash on any peer; nil if there is none.
// The hash names the bytes, so that it does not matter who sent them.
func (k *Known) file(hash []byte) *descriptorpb.FileDescriptorProto {
	for _, p := range k.schemas {
		if file := p.fileByHash(hash); file != nil {
			return file
		}
	}
	return nil
}

// beside is what all of it takes but that of one source, and how much of it is of the same peer. What peers share counts once.
func (k *Known) beside(source Source) (all, own size) {
	seen := map[*Schema]bool{k.schemas[source]: true}
	for other, p := range k.schemas {
		if seen[p] {
			continue
		}
		seen[p] = true
		all.add(p)
		if other.Collector == source.Collector {
			own.add(p)
		}
	}
	return all, own
}

// with is the same with the schemas of one source replaced.
func (k *Known) with(source Source, p *Schema) *Known {
	next := &Known{schemas: maps.Clone(k.schemas), comparisons: k.comparisons, Replaced: make(chan struct{})}
	next.schemas[source] = p
	return next
}

// same reports whether two say the same.
// Schemas are the same if they are the very same memory, which is what update takes over.
func (k *Known) same(other *Known) bool {
	return maps.Equal(k.schemas, other.schemas) && maps.Equal(k.comparisons, other.comparisons)
}
