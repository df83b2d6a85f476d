package schema

import "iter"

// elements goes through one of protoreflect's lists, which have no common type: any that has a length and an index is one.
func elements[T any](list interface {
	Len() int
	Get(int) T
}) iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range list.Len() {
			if !yield(list.Get(i)) {
				return
			}
		}
	}
}
