package views

import (
	"strconv"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Route shows which collector would handle a call, and why.
func Route(res *meshv1.ExplainRouteResponse) render.View {
	v := render.View{
		Document: res,
		Columns: []render.Column{
			{Title: "#"}, {Title: "KIND"}, {Title: "COLLECTOR", Name: true}, {Title: "", State: true}, {Title: "WHY"},
		},
	}
	if res.GetProcedure() != "" {
		v.Heading = res.GetProcedure() + " in namespace " + res.GetNamespace()
	}
	for _, candidate := range res.GetCandidates() {
		v.Add(candidate, candidateRow(candidate, res.GetChosenCollectorId())...)
	}
	return v
}

func candidateRow(candidate *meshv1.Candidate, chosen string) []render.Cell {
	rank, kind, verdict, why := render.Pair("", "0"), "peer", "no", candidate.GetReason()
	if candidate.GetRank() > 0 {
		rank = render.Text(strconv.Itoa(int(candidate.GetRank())))
	}
	if candidate.GetLocal() {
		kind = "local"
	}
	if candidate.GetEligible() {
		verdict = "YES"
	}
	human := why
	if candidate.GetCollectorId() == chosen {
		human += "  ← chosen"
	}
	return []render.Cell{
		rank, render.Text(kind), render.Text(candidate.GetCollectorId()), render.Text(verdict), render.Pair(human, why),
	}
}
