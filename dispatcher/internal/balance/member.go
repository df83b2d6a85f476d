package balance

import (
	"hash/fnv"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
)

// Member is a peer that calls may go to.
type Member struct {
	ID       string
	Hash     uint64 // of the id, see [Hash]
	Zone     string // where it runs; empty if it does not say
	Weight   uint32 // at least 1
	Load     *endpoint.Load
	Endpoint *endpoint.Endpoint
}

// DefaultWeight is the weight of a peer that does not say what it can take.
const DefaultWeight = 100

// Hash is a hash of a text that is the same in every process.
func Hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum64()
}

// Mixed is a number all of whose bits depend on all bits of another: the finalizer of splitmix64.
func Mixed(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Affinity is the affinity of calls with a key, which is not zero; 0 is none. It is the same in every process, so that whoever
// routes a call sends it to the same peer.
func Affinity(key string) uint64 {
	if key == "" {
		return 0
	}
	return max(1, Hash(key))
}
