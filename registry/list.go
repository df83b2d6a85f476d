package registry

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	collector "github.com/collectiverpc/collective/gen/collector"
)

// How much one answer has at most: services, and bytes of them.
const (
	maxPage      = 1000
	maxPageBytes = 1 << 20 // well below the largest message that anybody accepts
)

// ListServices answers the services of a namespace or of all, page by page. A page token is the id of the last service
// of the page before, so a service that comes or goes meanwhile disturbs no other. See the CollectorRegistry service.
func (r *Registry) ListServices(
	_ context.Context, req *collector.ListServicesRequest,
) (*collector.ListServicesResponse, error) {
	if req.GetPageSize() < 0 {
		return nil, connect.Errorf(connect.CodeInvalidArgument, "page_size %d: want 1 to %d, or 0 for that many",
			req.GetPageSize(), maxPage)
	}
	limit := min(cmp.Or(int(req.GetPageSize()), maxPage), maxPage)
	answer := &collector.ListServicesResponse{Status: okStatus()}
	size := 0
	for n, s := range r.view.Load().services(req.GetNamespace()) {
		if n.id(s) <= req.GetPageToken() {
			continue
		}
		if len(answer.Services) == limit || size > maxPageBytes {
			answer.NextPageToken = answer.Services[len(answer.Services)-1].GetId()
			break
		}
		record := n.record(s)
		size += proto.Size(record)
		answer.Services = append(answer.Services, record)
	}
	return answer, nil
}

// services goes through the services of one namespace, or of all if it is empty, ordered by id.
func (v *view) services(only string) iter.Seq2[*namespaceIndex, *service] {
	return func(yield func(*namespaceIndex, *service) bool) {
		for _, n := range v.byID(only) {
			for _, s := range n.ordered {
				if !yield(n, s) {
					return
				}
			}
		}
	}
}

// byID is one namespace, or all of them in the order of their services' ids.
func (v *view) byID(only string) []*namespaceIndex {
	var list []*namespaceIndex
	for name, n := range v.namespaces {
		if only == "" || only == name {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *namespaceIndex) int { return cmp.Compare(a.name+"/", b.name+"/") })
	return list
}
