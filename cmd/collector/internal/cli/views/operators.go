package views

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// WhoAmI shows who the caller is to the collector at a URL.
func WhoAmI(url string, res *meshv1.WhoAmIResponse) render.View {
	v := render.View{
		Document: res,
		Heading:  strings.Join([]string{res.GetKind() + " " + res.GetId(), "groups " + render.List(res.GetGroups()).Human, "by " + res.GetNetwork(), url}, "   "),
		Columns:  []render.Column{{Title: "ACTION"}, {Title: "ALLOWED"}, {Title: "POLICIES"}, {Title: "REASON", Wide: true}},
	}
	v.Notes = res.GetAccess()
	for _, right := range res.GetRights() {
		v.Add(right, render.Text(right.GetAction()), allowed(right.GetAllowed()), render.List(right.GetPolicies()), render.Text(right.GetReason()))
	}
	return v
}

func allowed(yes bool) render.Cell {
	if yes {
		return render.Pair("yes", "true")
	}
	return render.Pair("no", "false")
}

// auditColumns are those of the audit log.
var auditColumns = []render.Column{
	{Title: "TIME"}, {Title: "WHO", Name: true}, {Title: "ACTION"}, {Title: "VERDICT", State: true}, {Title: "WHAT"}, {Title: "COUNT"},
	{Title: "WHY"}, {Title: "BY", Wide: true}, {Title: "POLICIES", Wide: true}, {Title: "DETAIL", Wide: true},
}

// Audit shows events, newest first.
func Audit(out *render.Printer, res *meshv1.ListAuditResponse) render.View {
	v := render.View{Document: res, Columns: auditColumns}
	for _, event := range res.GetEvents() {
		v.Add(event, auditRow(event, out.Ago(event.GetTime()))...)
	}
	if missed := res.GetMissed(); missed > 0 {
		v.Notes = append(v.Notes, strconv.FormatInt(missed, 10)+" events could not be kept: the disk was too slow, or full; the log of the collector has them")
	}
	if len(v.Rows) == 0 {
		v.Notes = append(v.Notes, "nothing was done with rights or denied yet, or nothing that matches")
	}
	return v
}

// PrintAudit prints an event of a stream on a line.
func PrintAudit(out *render.Printer, event *meshv1.AuditEvent) error {
	row := auditRow(event, out.Clock(event.GetTime().AsTime()))
	if out.Format() == render.FormatTable {
		row = row[:7]
		return out.StreamRow(event, auditColumns[:7], row, []int{12, 16, 9, 7, 30, 5, 0})
	}
	return out.StreamRow(event, auditColumns, row, []int{12, 16, 9, 7, 30, 5, 0, 0, 0, 0})
}

func auditRow(e *meshv1.AuditEvent, when render.Cell) []render.Cell {
	verdict := "denied"
	if e.GetAllowed() {
		verdict = "done"
	}
	who := strings.TrimPrefix(e.GetKind()+" "+e.GetId(), "Anonymous ")
	what := strings.TrimSpace(e.GetNamespace() + " " + words.Procedure(e.GetProcedure()))
	by := e.GetNetwork()
	if e.GetVia() != "" {
		by += " via " + e.GetVia()
	}
	var details []string
	for _, name := range slices.Sorted(maps.Keys(e.GetDetail())) {
		details = append(details, name+"="+e.GetDetail()[name])
	}
	return []render.Cell{
		when, render.Text(strings.TrimSpace(who)), render.Text(e.GetAction()), render.Text(verdict), render.Maybe(what), render.Count(e.GetCount()),
		render.Text(e.GetReason()), render.Text(by), render.List(e.GetPolicies()), render.Maybe(strings.Join(details, " ")),
	}
}
