package routing

import (
	"slices"
)

// compare says whether a peer's schema of a method is another one than the method has here, and what of that. It looks
// up what judge has found.
// It never compares schemas itself, which may take long and would be done under the lock of who joins: a pair that is not
// known yet counts as one that breaks, so that no call is misunderstood meanwhile, and is told apart by Pending.
func (e *Entry) compare(o offer, schemas Schemas) (differs bool, skew skewed) {
	m := o.method
	skew = skewed{RoutePeer: o.routePeer}
	switch {
	case streamType(m) != e.Stream:
		skew.reason = "serves another kind of method under this name"
		return true, skew
	case e.Fingerprint == 0:
		return false, skew
	case m.GetInputType() != e.Input || m.GetOutputType() != e.Output:
		skew.reason = "has another schema of it, from " + m.GetInputType() + " to " + m.GetOutputType()
		return true, skew
	case m.GetFingerprint() == e.Fingerprint:
		return false, skew
	case m.GetFingerprint() == 0:
		skew.reason = "shows no fingerprint of its schema, while that of the method is known here"
		return true, skew
	}
	var found Comparison
	ok := false
	if schemas != nil {
		found, ok = schemas.Compare(e.Fingerprint, m.GetFingerprint())
	}
	switch {
	case !ok:
		skew.Pending = true
		skew.reason = "has another schema of it, which is not known here" + missing(schemas, o.routePeer.ID, m.GetNamespace())
	case found.Breaks:
		skew.reason = "has an incompatible schema of it: " + found.Text
	default:
		skew.compatible = true
		skew.reason = "has another schema of it, which is compatible"
		if found.Text != "" {
			skew.reason += "; it differs in " + found.Text
		}
	}
	return true, skew
}

// skewOf finds a peer in a list of an entry. The lists are short, since most meshes have one schema of a method.
func skewOf(list []skewed, p *RoutePeer) (skewed, bool) {
	i := slices.IndexFunc(list, func(s skewed) bool { return s.RoutePeer == p })
	if i < 0 {
		return skewed{}, false
	}
	return list[i], true
}

// isIncompatible tells a target that serves something else from one that does not serve the method at all: the two are
// refused for different reasons, and only the first is mended by an update.
func (e *Entry) isIncompatible(p *RoutePeer) bool {
	_, odd := skewOf(e.Incompatible, p)
	return odd
}

// missing says why the schemas of a peer are not known.
func missing(schemas Schemas, collector, namespace string) string {
	if schemas == nil {
		return " yet"
	}
	return schemas.Missing(collector, namespace)
}
