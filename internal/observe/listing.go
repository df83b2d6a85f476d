package observe

import (
	"fmt"
	"strconv"
	"strings"

	"connectrpc.com/connect/v2"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// place is where a page of calls ends. Pages go back in time, through memory first, and from the oldest call there to the
// archive, which has that and all before it. One field at most is not 0.
type place struct {
	seq uint64 // in memory: below this number; 0 for the newest
	row int64  // in the archive: before this row; 0 for memory
}

// Tokens begin with a letter for where the page ended; in memory the run counts too, since its numbers begin anew. run is
// when it began, in nanoseconds.
func memoryToken(seq uint64, run int64) string { return fmt.Sprintf("m%d-%d", seq, run) }

func archiveToken(row int64) string { return "a" + strconv.FormatInt(row, 10) }

// parsePlace reads a token of this run or, for the archive, of any.
func parsePlace(token string, run int64) (p place, err error) {
	if token == "" {
		return place{}, nil
	}
	switch rest := token[1:]; token[0] {
	case 'a':
		p.row, err = strconv.ParseInt(rest, 10, 64)
	case 'm':
		seq, of, _ := strings.Cut(rest, "-")
		if of != strconv.FormatInt(run, 10) {
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
	wanted selection
	limit  int // of calls in the answer
	res    *meshv1.ListDispatchesResponse
}

// room is how many calls the answer still takes.
func (l *listing) room() int { return l.limit - len(l.res.Dispatches) }

// listRing adds what a ring has, going down from below a number; 0 begins with the newest. It returns the lowest that it
// looked at.
func (l *listing) listRing(ring *ring, below uint64) (lowest uint64) {
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
