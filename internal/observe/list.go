package observe

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

const (
	defaultList = 500
	maxList     = 2000
)

// ListDispatches answers the finished calls that a request selects, newest first: from memory, and after those from the
// archive, if there is one.
func (r *Recorder) ListDispatches(ctx context.Context, req *meshv1.ListDispatchesRequest) (*meshv1.ListDispatchesResponse, error) {
	from, err := r.parsePlace(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	l := &listing{
		recorder: r, wanted: newSelection(req), limit: min(positive(int(req.GetLimit()), defaultList), maxList),
		res: &meshv1.ListDispatchesResponse{LastSeq: r.calls.last.Load()},
	}
	if err := l.list(ctx, from); err != nil {
		return nil, err
	}
	return l.res, nil
}

// place is where a page of calls ends.
type place struct {
	seq uint64 // in memory: below this number; 0 for the newest
	row int64  // in the archive: before this row; 0 for memory
}

// Tokens begin with a letter for where the page ended; in memory the run counts too, since its numbers begin anew.
func (r *Recorder) memoryToken(seq uint64) string {
	return fmt.Sprintf("m%d-%d", seq, r.epoch.UnixNano())
}

func archiveToken(row int64) string { return "a" + strconv.FormatInt(row, 10) }

func (r *Recorder) parsePlace(token string) (p place, err error) {
	if token == "" {
		return place{}, nil
	}
	switch rest := token[1:]; token[0] {
	case 'a':
		p.row, err = strconv.ParseInt(rest, 10, 64)
	case 'm':
		seq, run, _ := strings.Cut(rest, "-")
		if run != strconv.FormatInt(r.epoch.UnixNano(), 10) {
			return place{}, connect.NewError(connect.CodeFailedPrecondition,
				"this page was begun before the collector started anew: begin again without a page_token")
		}
		p.seq, err = strconv.ParseUint(seq, 10, 64)
	}
	if err != nil || p.row < 0 || p == (place{}) {
		return place{}, connect.Errorf(connect.CodeInvalidArgument, "page_token %q is none of ours: want the next_page_token of an answer", token)
	}
	return p, nil
}

// listing is one ListDispatches on its way.
type listing struct {
	recorder *Recorder
	wanted   selection
	limit    int
	res      *meshv1.ListDispatchesResponse
}

func (l *listing) room() int { return l.limit - len(l.res.Dispatches) }

func (l *listing) list(ctx context.Context, from place) error {
	r := l.recorder
	if from.row == 0 {
		lowest := l.listMemory(from.seq)
		if l.room() == 0 && (lowest > r.calls.oldest() || r.archive != nil) {
			l.res.NextPageToken = r.memoryToken(lowest)
		}
		from.seq = lowest
	}
	if c, p := r.calls.get(r.calls.oldest()); p == here {
		l.res.Oldest = timestamppb.New(c.Start)
	}
	if r.archive == nil || l.res.NextPageToken != "" {
		return nil
	}
	return r.archive.list(ctx, l, from)
}

// listMemory goes down from below a number and returns the lowest that it looked at.
func (l *listing) listMemory(below uint64) (lowest uint64) {
	ring := l.recorder.calls
	lowest = l.res.GetLastSeq() + 1
	if below != 0 {
		lowest = min(lowest, below)
	}
	for oldest := ring.oldest(); lowest > oldest && l.room() > 0; {
		c, p := ring.get(lowest - 1)
		if p == gone {
			break // so are all before it
		}
		lowest--
		if p == coming {
			continue
		}
		l.res.Scanned++
		if l.wanted.selects(&c) {
			l.res.Dispatches = append(l.res.Dispatches, c.message())
		}
	}
	return lowest
}

// selection is a filter with bounds of time.
type selection struct {
	filter
	from, to time.Time // zero: no bound
}

func newSelection(req *meshv1.ListDispatchesRequest) selection {
	s := selection{filter: newFilter(req.GetFilter())}
	if req.GetFrom() != nil {
		s.from = req.GetFrom().AsTime()
	}
	if req.GetTo() != nil {
		s.to = req.GetTo().AsTime()
	}
	return s
}

func (s selection) selects(c *Call) bool {
	if !s.from.IsZero() && c.Start.Before(s.from) || !s.to.IsZero() && c.Start.After(s.to) {
		return false
	}
	return s.filter.selects(c)
}
