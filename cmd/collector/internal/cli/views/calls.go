package views

import (
	"cmp"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// CallColumns are the columns of finished calls.
func CallColumns() []render.Column {
	return []render.Column{
		{Title: "TIME"}, {Title: "FROM → TO"}, {Title: "CALLER"}, {Title: "METHOD", Name: true}, {Title: "VERDICT", State: true},
		{Title: "TOOK"}, {Title: "WHY"},
	}
}

// CallRow is a finished call below them.
func CallRow(out *render.Printer, call *meshv1.Dispatch) []render.Cell {
	way := call.GetSourceCollectorId()
	if to := call.GetExecutorCollectorId(); to != way {
		way += " → " + to
	}
	return []render.Cell{
		out.Clock(call.GetStartedAt().AsTime()), render.Text(way), render.Text(principal(call.GetPrincipal())),
		render.Text(words.Procedure(call.GetProcedure())), render.Text(call.GetCode()), render.Span(call.GetDurationNanos()),
		render.Text(cmp.Or(call.GetMessage(), call.GetReason())),
	}
}

// Calls shows finished calls in their order.
func Calls(out *render.Printer, calls []*meshv1.Dispatch) render.View {
	v := render.View{Columns: CallColumns()}
	for _, call := range calls {
		v.Add(call, CallRow(out, call)...)
	}
	return v
}

// principal is whose call it was, in few letters where nobody has said who it is, which is most often so.
func principal(text string) string {
	if strings.HasPrefix(text, "Anonymous::") {
		return "anonymous"
	}
	return text
}
