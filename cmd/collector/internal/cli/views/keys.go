package views

import (
	"strings"

	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

// Keys are API keys, without what they are.
func Keys(records []apikey.Record) render.View {
	v := render.View{Columns: []render.Column{{Title: "NAME", Name: true}, {Title: "KIND"}, {Title: "GROUPS"}, {Title: "FINGERPRINT"}, {Title: "PRINCIPAL", Wide: true}}}
	documents := []any{}
	for _, r := range records {
		kind, principal := strings.ToLower(string(r.Kind)), string(r.Kind)+`::"key:`+r.Name+`"`
		document := map[string]any{
			"name": r.Name, "kind": kind, "groups": append([]string{}, r.Groups...), "fingerprint": r.Hash.Fingerprint(), "principal": principal,
		}
		documents = append(documents, document)
		v.Add(document, render.Text(r.Name), render.Text(kind), render.List(r.Groups), render.Text(r.Hash.Fingerprint()), render.Text(principal))
	}
	v.Document = documents
	return v
}
