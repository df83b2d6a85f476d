package views

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	"github.com/collectiverpc/collective/internal/pki"
)

// Authority is an authority that was made.
func Authority(out *render.Printer, a *pki.Authority) render.View {
	fingerprint := sha256.Sum256(a.Certificate.Raw)
	until := a.Certificate.NotAfter
	return render.View{
		Document: map[string]any{
			"dir": a.Dir, "trust_domain": a.Domain, "until": until.UTC().Format(time.RFC3339), "sha256": hex.EncodeToString(fingerprint[:]),
		},
		Columns: append(render.Columns("DIR", "TRUST DOMAIN", "UNTIL"), render.Column{Title: "SHA256", Wide: true}),
		Rows:    [][]render.Cell{{render.Text(a.Dir), render.Text(a.Domain), inFuture(out, until), render.Text(hex.EncodeToString(fingerprint[:]))}},
	}
}

// Issued are certificates, with what they are worth now.
func Issued(out *render.Printer, a *pki.Authority, issued []*pki.Issued) render.View {
	v := render.View{Columns: []render.Column{
		{Title: "KIND"}, {Title: "ID", Name: true}, {Title: "STATE", State: true}, {Title: "UNTIL"}, {Title: "HOSTS"}, {Title: "FILE"}, {Title: "URI", Wide: true},
	}}
	documents := []any{}
	for _, i := range issued {
		state, until := i.State(a.Certificate, out.Now()), i.Certificate.NotAfter
		document := map[string]any{
			"kind": i.Kind, "id": i.ID, "state": state, "until": until.UTC().Format(time.RFC3339), "hosts": append([]string{}, i.Hosts()...),
			"cert": i.Cert, "key": i.Key, "uri": i.URI(), "serial": i.Certificate.SerialNumber.Text(16),
		}
		documents = append(documents, document)
		v.Add(document, render.Text(string(i.Kind)), render.Text(i.ID), render.Text(state), inFuture(out, until), render.List(i.Hosts()),
			render.Text(i.Cert), render.Text(i.URI()))
	}
	v.Document = documents
	return v
}

// inFuture is how long something is good, and exactly until when.
func inFuture(out *render.Printer, at time.Time) render.Cell {
	text := at.UTC().Format(time.RFC3339)
	left := at.Sub(out.Now())
	if left < 0 {
		return render.Pair(words.Ago(-left), text)
	}
	const day = 24 * time.Hour
	if left > day {
		return render.Pair(at.Format(time.DateOnly), text)
	}
	return render.Pair("in "+words.Duration(left), text)
}
