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
type Known struct {
	schemas     map[Source]*Schema
	comparisons map[pair]routing.Comparison
	// Replaced is closed when another one takes its place.
	Replaced chan struct{}
}

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
func (k *Known) like(hashes [][]byte) *Schema {
	for _, p := range k.schemas {
		if sameHashes(p.Hashes, hashes) {
			return p
		}
	}
	return nil
}

// file finds a file by its hash on any peer; nil if there is none.
func (k *Known) file(hash []byte) *descriptorpb.FileDescriptorProto {
	for _, p := range k.schemas {
		if file := p.fileByHash(hash); file != nil {
			return file
		}
	}
	return nil
}

// bytesBeside is what all of it takes, encoded, and its comments, but that of one source. What peers share counts once.
func (k *Known) bytesBeside(source Source) (bytes, comments int) {
	seen := map[*Schema]bool{k.schemas[source]: true}
	for _, p := range k.schemas {
		if !seen[p] {
			seen[p] = true
			bytes += p.Set.Bytes
			comments += p.Set.Comments
		}
	}
	return bytes, comments
}

// with is the same with the schemas of one source replaced.
func (k *Known) with(source Source, p *Schema) *Known {
	next := &Known{schemas: maps.Clone(k.schemas), comparisons: k.comparisons, Replaced: make(chan struct{})}
	next.schemas[source] = p
	return next
}

// same reports whether two say the same.
func (k *Known) same(other *Known) bool {
	return maps.Equal(k.schemas, other.schemas) && maps.Equal(k.comparisons, other.comparisons)
}
