package peerschema

import (
	"slices"
	"strings"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/schema"
)

// pair is the fingerprints of two schemas of one method: the one the method has here, and a peer's.
type pair struct{ ours, theirs uint64 }

// maxComparison bounds the text of a Comparison, in bytes.
const maxComparison = 2048

// CompareChanges names every element that breaks or, if none does, that differs; the first few of many.
// What breaks hides what merely differs: a person has to mend that first.
func CompareChanges(changes []schema.Change) routing.Comparison {
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
