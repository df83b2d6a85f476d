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
	v.Notes = policyNotes(res)
	for _, candidate := range res.GetCandidates() {
		v.Add(candidate, candidateRow(candidate, res.GetChosenCollectorId())...)
	}
	return v
}

// policyNotes say what the policy decides, where it was asked for.
func policyNotes(res *meshv1.ExplainRouteResponse) []string {
	if res.GetEntrance() == nil {
		return nil
	}
	notes := []string{"where it enters, " + decisionText(res.GetEntrance())}
	switch chosen := res.GetChosenCollectorId(); {
	case res.GetExecutor() != nil:
		notes = append(notes, "where it runs, "+decisionText(res.GetExecutor()))
	case chosen != "":
		notes = append(notes, "where it runs, "+chosen+" decides by its own policy: ask it with collector policy why --running --via ID")
	}
	return notes
}

func decisionText(d *meshv1.AccessDecision) string {
	if d.GetAllowed() {
		return "allowed: " + d.GetReason()
	}
	return "denied: " + d.GetReason()
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
