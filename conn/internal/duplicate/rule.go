package duplicate

// Verdict is what becomes of a new path to a peer.
type Verdict int

// The verdicts.
const (
	TakeNew Verdict = iota
	KeepOld
)

// Claim is a link as the rule sees it.
type Claim struct {
	Dialed  bool   // by this collector
	Session string // of the peer
}

// Resolve decides between two links to one peer. Both sides come to the same end, since they compare the same
// facts: a peer with a new session has lost what it had; of two links that one side dialled the later one is meant, or
// that side would not have dialled; of two links dialled by both sides the one dialled by the smaller id stays.
func Resolve(self, peer string, old, fresh Claim) Verdict {
	switch {
	case old.Session != fresh.Session, old.Dialed == fresh.Dialed:
		return TakeNew
	case fresh.Dialed == (self < peer):
		return TakeNew
	}
	return KeepOld
}
