package views

import (
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Trust shows by which keys a collector and those it knows are known.
func Trust(out *render.Printer, res *meshv1.ListTrustResponse) render.View {
	v := KnownKeys(out, res, res.GetKeys())
	v.Notes = res.GetLinks()
	return v
}

// KnownKeys shows known keys, which are all or part of document.
func KnownKeys(out *render.Printer, document any, keys []*meshv1.KnownKey) render.View {
	v := render.View{
		Document: document,
		Columns: []render.Column{
			{Title: "COLLECTOR", Name: true}, {Title: "KEY"}, {Title: "PROVEN BY"}, {Title: "FIRST"}, {Title: "LAST"}, {Title: "REFUSED"},
		},
	}
	for _, known := range keys {
		v.Add(known, render.Text(known.GetCollectorId()), render.Text(known.GetFingerprint()), render.Text(known.GetProof()),
			out.Ago(known.GetFirstSeen()), out.Ago(known.GetLastSeen()), render.Text(known.GetRefused()))
	}
	return v
}

// SecretFile is a file of mesh secrets that was written. What is in it is shown to nobody.
func SecretFile(path string) render.View {
	return render.View{
		Document: map[string]string{"file": path}, Columns: render.Columns("FILE"), Rows: [][]render.Cell{{render.Text(path)}},
	}
}
