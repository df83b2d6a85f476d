package schema

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// span is a range of reserved numbers, both ends included.
type span struct{ first, last int64 }

// fieldSpans makes the ranges of a message comparable with those of an enum. In 64 bits no end can overflow.
func fieldSpans(ranges protoreflect.FieldRanges) []span {
	spans := make([]span, ranges.Len())
	for i := range spans {
		r := ranges.Get(i)
		spans[i] = span{int64(r[0]), int64(r[1]) - 1} // field ranges exclude their end, enum ranges do not
	}
	return spans
}

// enumSpans are those of an enum; see fieldSpans.
func enumSpans(ranges protoreflect.EnumRanges) []span {
	spans := make([]span, ranges.Len())
	for i := range spans {
		r := ranges.Get(i)
		spans[i] = span{int64(r[0]), int64(r[1])}
	}
	return spans
}

// firstGap finds the lowest number of some wanted span that no given span has. Spans may be split, joined and in any order
// in the new version, as long as every number stays reserved. It sorts both lists.
func firstGap(wanted, given []span) (gap int64, found bool) {
	byFirst := func(a, b span) int { return cmp.Compare(a.first, b.first) }
	slices.SortFunc(wanted, byFirst)
	slices.SortFunc(given, byFirst)
	for _, want := range wanted {
		next := want.first // all of want below it is given
		for _, have := range given {
			if have.first <= next {
				next = max(next, have.last+1)
			}
		}
		if next <= want.last {
			return next, true
		}
	}
	return 0, false
}
