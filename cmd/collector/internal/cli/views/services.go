package views

import (
	"fmt"
	"slices"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Services shows what can be called, and after it what is registered and hosted by nobody.
func Services(res *meshv1.ListServicesResponse, unhosted []*meshv1.Service) render.View {
	all := &meshv1.ListServicesResponse{Services: slices.Concat(res.GetServices(), unhosted)}
	v := render.View{
		Document: all,
		Columns: []render.Column{
			{Title: "METHOD"}, {Title: "NAMESPACE"}, {Title: "KIND"}, {Title: "SERVED BY"},
			{Title: "INPUT", Wide: true}, {Title: "OUTPUT", Wide: true}, {Title: "SCHEMA"}, {Title: "DIFFERENCE", Wide: true},
		},
	}
	for _, service := range all.GetServices() {
		v.Items = append(v.Items, service) // a line for a service, a row for a method
		for _, method := range service.GetMethods() {
			v.Rows = append(v.Rows, []render.Cell{
				render.Text(service.GetName() + "/" + method.GetName()), render.Text(service.GetNamespace()),
				render.Text(methodKind(method)), servers(method.GetCollectorIds()), render.Maybe(method.GetInputType()),
				render.Maybe(method.GetOutputType()), skewCell(method.GetSkews()), differenceCell(method.GetSkews()),
			})
		}
	}
	if hasUncalled(res) {
		v.Notes = []string{"calls do not go where the schema is incompatible or unknown; what differs: collector services -o wide"}
	}
	if len(unhosted) > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("served by nobody: %s registered, and no collector hosts them; a program does with RegisterImplementation or RegisterDynamic",
			words.Plural(len(unhosted), "service")))
	}
	v.Notes = append(v.Notes, setAside(all.GetServices())...)
	if len(v.Rows) == 0 {
		v.Notes = []string{"no services: start a collector with some, such as collector serve --example orders"}
	}
	return v
}

// Unregistered shows what was forgotten.
func Unregistered(res *collector.UnregisterServiceResponse) render.View {
	v := render.View{Document: res, Columns: render.Columns("SERVICE", "FILES")}
	v.Add(res, render.Text(res.GetServiceId()), render.List(res.GetRemovedFiles()))
	return v
}

// setAside says which registered schemas do not count, since a program serves the service by another one.
func setAside(services []*meshv1.Service) (notes []string) {
	for _, service := range services {
		if why := service.GetSetAside(); why != "" {
			notes = append(notes, fmt.Sprintf("what is registered of %s in %s is kept aside, as it differs from what is served: %s; "+
				"forget it: collector services unregister %s --ns %s",
				service.GetName(), service.GetNamespace(), why, service.GetName(), service.GetNamespace()))
		}
	}
	return notes
}

// servers are the collectors that host a method.
func servers(ids []string) render.Cell {
	if len(ids) == 0 {
		return render.Pair("nobody", "")
	}
	return render.List(ids)
}

// methodKind is the shape of a method in a word; untyped ones are the seed's.
func methodKind(method *meshv1.Method) string {
	switch {
	case method.GetClientStreaming() && method.GetServerStreaming():
		return "bidi"
	case method.GetClientStreaming():
		return "client stream"
	case method.GetServerStreaming():
		return "server stream"
	case method.GetInputType() == "":
		return "untyped"
	}
	return "unary"
}

// skewCell names the collectors whose schema of a method is another one, and whether calls go there all the same.
func skewCell(skews []*meshv1.SchemaSkew) render.Cell { return cellOfSkews(skews, ", ", skewWord) }

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
func differenceCell(skews []*meshv1.SchemaSkew) render.Cell {
	return cellOfSkews(skews, "; ", (*meshv1.SchemaSkew).GetReason)
}

// cellOfSkews says something of each collector.
func cellOfSkews(skews []*meshv1.SchemaSkew, separator string, says func(*meshv1.SchemaSkew) string) render.Cell {
	if len(skews) == 0 {
		return render.None()
	}
	said := make([]string, len(skews))
	for i, skew := range skews {
		said[i] = skew.GetCollectorId() + " " + says(skew)
	}
	return render.Text(strings.Join(said, separator))
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
