package views

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/conn"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Status shows the collector at a URL and its peers.
func Status(out *render.Printer, url string, res *meshv1.GetStatusResponse) render.View {
	v := render.View{
		Document: res,
		Heading:  statusHeading(out.Now(), url, res),
		Columns: []render.Column{
			{Title: "PEER"}, {Title: "ADDRESS"}, {Title: "STATE", State: true}, {Title: "PATH"}, {Title: "SHARED"},
			{Title: "CALLS"}, {Title: "ERR"}, {Title: "RTT"}, {Title: "LAST"}, {Title: "CONNECTION", Wide: true},
			{Title: "CARRIER", Wide: true},
		},
	}
	v.Details = []render.Detail{
		{Name: "links", Lines: res.GetLinks()}, {Name: "callers", Lines: res.GetCallers()}, {Name: "limits", Lines: LimitLines(res.GetLimits())},
	}
	v.Notes = warnings(res.GetWarnings())
	if len(res.GetPeers()) == 0 {
		v.Notes = append(v.Notes, res.GetCollectorId()+" is alone → collector connect ADDRESS")
	}
	for _, peer := range res.GetPeers() {
		v.Add(peer, render.Text(peer.GetCollectorId()), render.Text(peer.GetAddress()), render.Text(conn.StateName(peer.GetState())),
			render.Path(peer.GetDialed()), render.List(peer.GetSharedNamespaces()), render.Count(peer.GetCalls()),
			render.Share(peer.GetErrors(), peer.GetCalls()), render.Span(peer.GetRttNanos()), out.Ago(peer.GetLastActivity()),
			render.Text(peer.GetConnectionId()), render.Text(peer.GetCarrier()))
	}
	return v
}

func statusHeading(now time.Time, url string, res *meshv1.GetStatusResponse) string {
	return strings.Join([]string{
		"collector " + res.GetCollectorId(),
		url,
		"up " + now.Sub(res.GetStartedAt().AsTime()).Round(time.Second).String(),
		"namespaces " + render.List(res.GetNamespaces()).Human,
		"store " + StoreText(res.GetStore()),
	}, "   ")
}

// StoreText says where a collector keeps its connections and schemas, and whether it can.
func StoreText(store *meshv1.StoreStatus) string {
	switch {
	case store.GetError() != "":
		return cmp.Or(store.GetPath(), "in memory") + " FAILS: " + store.GetError()
	case store.GetPath() == "":
		return "in memory, forgotten when it stops"
	}
	return store.GetPath() + " ok"
}

func warnings(list []string) []string {
	var notes []string
	for i, warning := range list {
		notes = append(notes, fmt.Sprintf("warning %d of %d: %s", i+1, len(list), warning))
	}
	return notes
}

// LimitLines are the limits in force, a few on a line.
func LimitLines(limits map[string]string) []string {
	const perLine = 4
	var lines []string
	var line []string
	for _, limit := range slices.Sorted(maps.Keys(limits)) {
		if line = append(line, limit+" "+limits[limit]); len(line) == perLine {
			lines, line = append(lines, strings.Join(line, " · ")), nil
		}
	}
	if line != nil {
		lines = append(lines, strings.Join(line, " · "))
	}
	return lines
}
