package observe

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// How many calls one answer has: by default, and at most. A call with long names and a long message takes about 2 kB, so an
// answer stays below the largest message that anybody accepts.
const (
	defaultList = 500
	maxList     = 2000
)

// ListDispatches answers the finished calls that a request selects, newest first: from memory, and after those from the
// archive, if there is one.
func (r *Recorder) ListDispatches(ctx context.Context, req *meshv1.ListDispatchesRequest) (*meshv1.ListDispatchesResponse, error) {
	from, err := parsePlace(req.GetPageToken(), r.epoch.UnixNano())
	if err != nil {
		return nil, err
	}
	l := &listing{
		wanted: newSelection(req), limit: min(positive(int(req.GetLimit()), defaultList), maxList),
		res: &meshv1.ListDispatchesResponse{LastSeq: r.calls.last.Load()},
	}
	if err := r.list(ctx, l, from); err != nil {
		return nil, err
	}
	return l.res, nil
}

// list fills a listing from memory and then, unless that was enough, from the archive. A page that memory filled to its last
// call still has a next one where there is an archive.
func (r *Recorder) list(ctx context.Context, l *listing, from place) error {
	if from.row == 0 {
		lowest := l.listRing(r.calls, from.seq)
		if l.room() == 0 && (lowest > r.calls.oldest() || r.history != nil) {
			l.res.NextPageToken = memoryToken(lowest, r.epoch.UnixNano())
		}
		from.seq = lowest
	}
	if c, p := r.calls.get(r.calls.oldest()); p == here {
		l.res.Oldest = timestamppb.New(c.Start)
	}
	if r.history == nil || l.res.NextPageToken != "" {
		return nil
	}
	return r.history.list(ctx, l, from)
}
