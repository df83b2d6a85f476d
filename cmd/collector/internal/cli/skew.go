package cli

import (
	"slices"
	"strings"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// skewCell names the collectors whose schema of a method is another one, and whether calls go there all the same.
func skewCell(skews []*meshv1.SchemaSkew) cell { return cellOfSkews(skews, ", ", skewWord) }

func skewWord(skew *meshv1.SchemaSkew) string {
	switch {
	case skew.GetCompatible():
		return "compatible"
	case skew.GetPending():
		return "unknown"
	}
	return "incompatible"
}

// differenceCell says what differs, as far as that is known.
func differenceCell(skews []*meshv1.SchemaSkew) cell {
	return cellOfSkews(skews, "; ", (*meshv1.SchemaSkew).GetReason)
}

// cellOfSkews says something of each collector.
func cellOfSkews(skews []*meshv1.SchemaSkew, separator string, says func(*meshv1.SchemaSkew) string) cell {
	if len(skews) == 0 {
		return cell{none, ""}
	}
	said := make([]string, len(skews))
	for i, skew := range skews {
		said[i] = skew.GetCollectorId() + " " + says(skew)
	}
	return text(strings.Join(said, separator))
}

// hasUncalled reports a collector that has a method and is not called for it.
func hasUncalled(res *meshv1.ListServicesResponse) bool {
	uncalled := func(skew *meshv1.SchemaSkew) bool { return !skew.GetCompatible() }
	return slices.ContainsFunc(res.GetServices(), func(service *meshv1.Service) bool {
		return slices.ContainsFunc(service.GetMethods(), func(method *meshv1.Method) bool {
			return slices.ContainsFunc(method.GetSkews(), uncalled)
		})
	})
}
