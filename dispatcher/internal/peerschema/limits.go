package peerschema

import "github.com/collectiverpc/collective/internal/descriptor"

// Limits bound what is kept of the schemas of peers. All of them are set: package dispatcher has their contract and their
// defaults.
type Limits struct {
	Bytes     int // of all peers, encoded; of comments there may be as many again
	FileBytes int // of one file
	Fields    int // and other declarations of one file
}

// beside bounds the schemas of one namespace of one peer, beside which others take so many bytes, and so many of comments.
// One namespace gets an eighth of all at most, and twice that in comments, so that one peer cannot crowd out the others.
func (l Limits) beside(bytes, comments int) descriptor.Limits {
	return descriptor.Limits{
		FileBytes: l.FileBytes, Dependencies: descriptor.Dependencies, Companions: descriptor.Files,
		Depth: descriptor.Depth, Fields: l.Fields, Files: descriptor.Files,
		Bytes: max(0, min(l.Bytes/8, l.Bytes-bytes)), Comments: max(0, min(l.Bytes/4, l.Bytes-comments)),
	}
}
