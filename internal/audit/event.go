package audit

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/collectiverpc/collective/access"
)

// Actions beside those of package access.
const (
	Login  = "login"
	Logout = "logout"
	Link   = "link" // a link that was refused
)

// Row is an event as it is kept.
type Row struct {
	access.Event
	// Seq grows by one with each row, over restarts too if there is a file.
	Seq uint64
	// Count is how often it happened, and Last when for the last time.
	Count int64
	Last  time.Time
}

// The longest texts of an event that are kept. Callers choose some of them.
const (
	longestName = 512
	longestText = 2048
	// So many keys of Detail are kept; a caller may name much, and every row is kept for months.
	mostDetails = 16
)

// bounded is the event with texts that are not longer than what is kept, and that are UTF-8.
func bounded(e access.Event) access.Event {
	e.Kind = access.Kind(cut(string(e.Kind), longestName))
	for _, name := range []*string{&e.ID, &e.Entrance, &e.Network, &e.Via, &e.Action, &e.Namespace, &e.Procedure} {
		*name = cut(*name, longestName)
	}
	e.Reason = cut(e.Reason, longestText)
	e.Policies = slices.Clone(e.Policies[:min(len(e.Policies), mostDetails)])
	detail := make(map[string]string, len(e.Detail))
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		if len(detail) < mostDetails {
			detail[cut(name, longestName)] = cut(e.Detail[name], longestText)
		}
	}
	e.Detail = detail
	return e
}

// cut keeps what a caller chose from filling memory and the table, and from breaking JSON.
func cut(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "\uFFFD")
}

// LogValue is the row for a log, without what is empty.
func (r Row) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("principal", string(r.Kind)+"::"+r.ID), slog.String("action", r.Action), slog.Bool("allowed", r.Allowed),
		slog.String("reason", r.Reason),
	}
	for _, optional := range []slog.Attr{
		slog.String("network", r.Network), slog.String("via", r.Via), slog.String("namespace", r.Namespace),
		slog.String("procedure", r.Procedure), slog.String("policies", strings.Join(r.Policies, ",")),
	} {
		if optional.Value.String() != "" {
			attrs = append(attrs, optional)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Detail)) {
		attrs = append(attrs, slog.String(name, r.Detail[name]))
	}
	if r.Count > 1 {
		attrs = append(attrs, slog.Int64("count", r.Count))
	}
	return slog.GroupValue(attrs...)
}
