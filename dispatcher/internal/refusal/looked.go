package refusal

import (
	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// A refusal travels in headers, gRPC's twice and one of them in base64. Clients take as little as 8 KiB of all headers
// together.
const (
	maxFailure      = 4<<10 - 128 // bytes of a message and its CallFailure, but for what is around them
	MaxMessage      = 1 << 10     // bytes of the message
	MaxCandidates   = 16
	maxCandidateWhy = 256 // bytes of what is said of a candidate
)

// Looked is what the router looked at before it refused.
type Looked interface {
	// All is every collector, and why it was not taken.
	All() []*meshv1.Candidate
	// First is at most n of them, those first of whom there is most to say.
	First(n int) []*meshv1.Candidate
	// Count is how many collectors there are.
	Count() int
}

// tell puts into a failure as much of what was looked at as room, in bytes, allows.
func tell(failure *meshv1.CallFailure, looked Looked, room int) {
	for _, candidate := range looked.First(MaxCandidates) {
		candidate.Reason = clipped(candidate.GetReason(), maxCandidateWhy)
		failure.Candidates = append(failure.Candidates, candidate)
		failure.OmittedCandidates = int32(looked.Count() - len(failure.GetCandidates()))
		if proto.Size(failure) > room {
			failure.Candidates = failure.GetCandidates()[:len(failure.GetCandidates())-1]
			failure.OmittedCandidates++
			return
		}
	}
}
