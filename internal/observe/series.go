package observe

import (
	"cmp"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// A series remembers its last minutes by the second and its last hour by ten seconds.
const (
	seconds    = 300           // remembered one by one
	tens       = 360           // spans of ten seconds remembered
	perTen     = 10            // seconds in one of them
	hour       = tens * perTen // all that is remembered, in seconds
	otherNames = "(other)"     // the series of those beyond the limit
)

// key says what the calls of a series have in common.
type key struct {
	kind            meshv1.SeriesKind
	namespace, name string
}

// compare orders series for people: collectors, peers, methods, each by name.
func (k key) compare(other key) int {
	return cmp.Or(cmp.Compare(k.kind, other.kind), cmp.Compare(k.namespace, other.namespace), cmp.Compare(k.name, other.name))
}

// series is counts and latencies over time. Calls write to live, without a lock; the recorder's clock moves it to the
// buckets.
type series struct {
	key
	live live

	seconds [seconds]bucket // by second modulo its length
	tens    [tens]bucket
	newest  bucket // of the last full second
}

// turn ends the second with number now, in which b happened. Seconds have to come in their order, without a gap: silent ones
// too, or what they overwrite would be told as theirs.
func (s *series) turn(now int64, b bucket) {
	s.newest = b
	s.seconds[now%seconds] = b
	if (now+1)%perTen == 0 {
		s.tens[now/perTen%tens] = s.ten(now - perTen + 1)
	}
}

// ten joins the ten seconds from one on.
func (s *series) ten(from int64) bucket {
	for second := max(from, 0); second < from+perTen; second++ {
		if s.seconds[second%seconds].calls > 0 {
			return s.span(from, from+perTen).bucket()
		}
	}
	return bucket{}
}

// span adds up the seconds from one up to but not including another; they must be remembered one by one.
func (s *series) span(from, to int64) *sum {
	total := new(sum)
	for second := max(from, 0); second < to; second++ {
		total.add(s.seconds[second%seconds])
	}
	return total
}

// tenSpan is span for times of which only tens of seconds are remembered. Both ends are multiples of ten.
func (s *series) tenSpan(from, to int64) *sum {
	total := new(sum)
	for second := max(from, 0); second < to; second += perTen {
		total.add(s.tens[second/perTen%tens])
	}
	return total
}

// point is a sum as the contract tells it.
func (s *sum) point() *meshv1.Point {
	return &meshv1.Point{
		Calls: int64(s.calls), Errors: int64(s.errors),
		P50Nanos: s.quantile(0.5).Nanoseconds(),
		P90Nanos: s.quantile(0.9).Nanoseconds(),
		P99Nanos: s.quantile(0.99).Nanoseconds(),
	}
}

// message is a series as the contract tells it, without its points.
func (s *series) message() *meshv1.Series {
	return &meshv1.Series{Kind: s.kind, Namespace: s.namespace, Name: s.name}
}
