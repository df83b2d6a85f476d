package audit

import "time"

// Query selects rows. The zero value is that of the newest.
type Query struct {
	// Since leaves out what began before it; zero for no bound.
	Since time.Time
	// DeniedOnly leaves out what was allowed.
	DeniedOnly bool
	// After and Before are bounds of the numbers, exclusive; 0 for none.
	After, Before uint64
	// Limit is the most rows; 0 or less for 100, and at most 1000.
	Limit int
}

const (
	usualLimit = 100
	mostListed = 1000
)

// Most is how many rows an answer has at most.
func (q *Query) Most() int {
	if q.Limit <= 0 {
		return usualLimit
	}
	return min(q.Limit, mostListed)
}

// selects must agree with the statement of [archive.list].
func (q *Query) selects(row *Row) bool {
	return !row.Time.Before(q.Since) && !(q.DeniedOnly && row.Allowed) && row.Seq > q.After && (q.Before == 0 || row.Seq < q.Before)
}
