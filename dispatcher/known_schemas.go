package dispatcher

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/schema"
)

// knownSchemas is what this collector knows of the schemas of its peers at one moment. It never changes.
type knownSchemas struct {
	peers       map[string]map[string]*peerSchema // by collector id and namespace
	comparisons map[pair]routing.Comparison
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
			if sameHashes(p.hashes, hashes) {
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

// bytesBeside is what all of it takes, encoded, and its comments, but that of one namespace of a peer. What peers share
// counts once.
func (k *knownSchemas) bytesBeside(collector, namespace string) (bytes, comments int) {
	seen := map[*peerSchema]bool{k.of(collector, namespace): true}
	for _, spaces := range k.peers {
		for _, p := range spaces {
			if !seen[p] {
				seen[p] = true
				bytes += p.set.Bytes
				comments += p.set.Comments
			}
		}
	}
	return bytes, comments
}

// pair is the fingerprints of two schemas of one method: the one the method has here, and a peer's.
type pair struct{ ours, theirs uint64 }

// maxComparison bounds the text of a Comparison, in bytes.
const maxComparison = 2048

// judged names every element that breaks or, if none does, that differs; the first few of many.
func comparisonOf(changes []schema.Change) routing.Comparison {
	breaking := slices.DeleteFunc(slices.Clone(changes), func(c schema.Change) bool { return !c.Breaking() })
	if len(breaking) > 0 {
		changes = breaking
	}
	texts := make([]string, 0, len(changes))
	for _, change := range changes {
		texts = append(texts, change.String())
	}
	text := refusal.Enumerate(texts)
	if len(text) > maxComparison {
		text = strings.ToValidUTF8(text[:maxComparison], "") + "…"
	}
	return routing.Comparison{Breaks: len(breaking) > 0, Text: text}
}

// same reports whether two say the same.
func (k *knownSchemas) same(other *knownSchemas) bool {
	samePeer := func(a, b map[string]*peerSchema) bool { return maps.Equal(a, b) }
	return maps.EqualFunc(k.peers, other.peers, samePeer) && maps.Equal(k.comparisons, other.comparisons)
}

// refusals say of whose schemas files are refused, which ones and why.
func (k *knownSchemas) refusals() []string {
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(k.peers)) {
		for _, namespace := range slices.Sorted(maps.Keys(k.peers[id])) {
			if p := k.peers[id][namespace]; p.err != nil {
				texts = append(texts, "the schemas of "+id+" in namespace "+namespace+" are not shown"+p.howFar()+": "+p.refusal())
			}
		}
	}
	return texts
}

// howFar says that some are there after all.
func (p *peerSchema) howFar() string {
	if n := len(p.set.Files); n > 0 {
		return " in full, " + strconv.Itoa(n) + " of " + strconv.Itoa(len(p.hashes)) + " files are"
	}
	return ""
}

// refusal says why files are refused, and what is to do if it is for a limit.
func (p *peerSchema) refusal() string {
	text := p.err.Error()
	if errors.Is(p.err, descriptor.ErrTooLarge) {
		text += "; larger ones are taken with Limits.SchemaFileBytes, SchemaFields and SchemaBytes (serve --max-schema-file, --max-schemas)"
	}
	return text
}

// Compare is what is known of two schemas.
func (k *knownSchemas) Compare(ours, theirs uint64) (routing.Comparison, bool) {
	found, ok := k.comparisons[pair{ours, theirs}]
	return found, ok
}

// Missing says why the schemas of a peer are not known.
func (k *knownSchemas) Missing(collector, namespace string) string {
	if p := k.of(collector, namespace); p != nil && p.err != nil {
		return ": " + p.refusal()
	}
	return " yet"
}
