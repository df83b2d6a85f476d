package dispatcher

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/schema"
)

// knownSchemas is what this collector knows of the schemas of its peers at one moment. It never changes.
type knownSchemas struct {
	peers    map[string]map[string]*peerSchema // by collector id and namespace
	verdicts map[pair]verdict
	// replaced is closed when another one takes its place.
	replaced chan struct{}
}

func newKnownSchemas() *knownSchemas {
	return &knownSchemas{peers: make(map[string]map[string]*peerSchema), replaced: make(chan struct{})}
}

// of is the schemas of a namespace on a peer; nil if they are not known, or k is nil.
func (k *knownSchemas) of(collector, namespace string) *peerSchema {
	if k == nil {
		return nil
	}
	return k.peers[collector][namespace]
}

// like finds schemas with the same files on any peer; nil if there are none.
func (k *knownSchemas) like(hashes [][]byte) *peerSchema {
	for _, spaces := range k.peers {
		for _, p := range spaces {
			if p.set != nil && sameHashes(p.hashes, hashes) {
				return p
			}
		}
	}
	return nil
}

// file finds a file by its hash on any peer; nil if there is none.
func (k *knownSchemas) file(hash []byte) *descriptorpb.FileDescriptorProto {
	for _, spaces := range k.peers {
		for _, p := range spaces {
			if file := p.fileByHash(hash); file != nil {
				return file
			}
		}
	}
	return nil
}

// bytes is what all of it takes, encoded. What peers share counts once.
func (k *knownSchemas) bytes() (total int) {
	seen := make(map[*peerSchema]bool)
	for _, spaces := range k.peers {
		for _, p := range spaces {
			if p.set != nil && !seen[p] {
				seen[p] = true
				total += p.set.Bytes
			}
		}
	}
	return total
}

// pair is the fingerprints of two schemas of one method: the one the method has here, and a peer's.
type pair struct{ ours, theirs uint64 }

// verdict is what two schemas misunderstand about each other; nothing if they are compatible.
type verdict []schema.Change

// String names every element, the first few of many.
func (v verdict) String() string {
	texts := make([]string, 0, len(v))
	for _, change := range v {
		texts = append(texts, change.String())
	}
	return enumerate(texts)
}

// same reports whether two say the same.
func (k *knownSchemas) same(other *knownSchemas) bool {
	samePeer := func(a, b map[string]*peerSchema) bool { return maps.Equal(a, b) }
	sameVerdict := func(a, b verdict) bool { return slices.Equal(a, b) }
	return maps.EqualFunc(k.peers, other.peers, samePeer) && maps.EqualFunc(k.verdicts, other.verdicts, sameVerdict)
}

// refusals say whose schemas are not known because they were refused.
func (k *knownSchemas) refusals() []string {
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(k.peers)) {
		for _, namespace := range slices.Sorted(maps.Keys(k.peers[id])) {
			if p := k.peers[id][namespace]; p.err != nil {
				texts = append(texts, "the schemas of "+id+" in namespace "+namespace+" are not shown: "+p.err.Error())
			}
		}
	}
	return texts
}
