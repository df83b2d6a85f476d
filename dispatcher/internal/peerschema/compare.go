package peerschema

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/rest"
	"github.com/collectiverpc/collective/internal/schema"
)

// compareSchemas compares whatever schemas of one method there are, those aside that old has compared. It may take
// long: it runs beside the calls, which look its comparisons up.
// A pair whose schemas nobody has any more is left out, so that what is remembered stays bounded by what is offered.
func compareSchemas(all map[offered][]variant, old map[pair]routing.Comparison, work *rest.Work) map[pair]routing.Comparison {
	comparisons := make(map[pair]routing.Comparison)
	for o, said := range all {
		work.Step()
		if schemas := distinct(o, said); len(schemas) > 1 {
			compareAll(schemas, old, comparisons)
		}
	}
	return comparisons
}

// distinct are the schemas of a method by fingerprint, if there is more than one; nil for one that is not known.
// Most methods have one schema, for which nothing is built.
func distinct(o offered, said []variant) map[uint64]protoreflect.MethodDescriptor {
	schemas := make(map[uint64]protoreflect.MethodDescriptor, 1)
	for _, v := range said {
		if _, ok := schemas[v.fingerprint]; ok || len(schemas) < maxVariants {
			schemas[v.fingerprint] = nil
		}
	}
	if len(schemas) < 2 {
		return nil
	}
	for _, v := range said {
		if found, ok := schemas[v.fingerprint]; ok && found == nil {
			schemas[v.fingerprint] = v.describe(o)
		}
	}
	return schemas
}

// compareAll compares each with each, both ways round: what breaks when the one calls the other need not break back.
func compareAll(schemas map[uint64]protoreflect.MethodDescriptor, old, comparisons map[pair]routing.Comparison) {
	for ours, a := range schemas {
		for theirs, b := range schemas {
			p := pair{ours, theirs}
			if known, ok := old[p]; ok {
				comparisons[p] = known
			} else if ours != theirs && a != nil && b != nil {
				comparisons[p] = CompareChanges(schema.Skew(a, b))
			}
		}
	}
}
