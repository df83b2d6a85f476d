package peerschema

import "github.com/collectiverpc/collective/internal/descriptor"

// Limits bound what is kept of the schemas of peers. All of them are set: package dispatcher has their contract and their
// defaults.
type Limits struct {
	Bytes     int // of all peers, encoded; of comments there may be as many again
	FileBytes int // of one file
	Fields    int // and other declarations of one file
}

// size is what files take, encoded without their comments, and what those take.
type size struct{ bytes, comments int }

func (s *size) add(p *Schema) {
	s.bytes += p.Set.Bytes
	s.comments += p.Set.Comments
}

// beside bounds the schemas of one namespace of one peer, beside which all others take so much, and the same peer's others.
// One namespace gets an eighth of all at most, one peer a quarter, and twice that in comments, so that no peer can crowd out
// the others.
func (l Limits) beside(all, own size) descriptor.Limits {
	return descriptor.Limits{
		FileBytes: l.FileBytes, Dependencies: descriptor.Dependencies, Companions: descriptor.Files,
		Depth: descriptor.Depth, Fields: l.Fields, Files: descriptor.Files,
		Bytes:    max(0, min(l.Bytes/8, l.Bytes/4-own.bytes, l.Bytes-all.bytes)),
		Comments: max(0, min(l.Bytes/4, l.Bytes/2-own.comments, l.Bytes-all.comments)),
	}
}
