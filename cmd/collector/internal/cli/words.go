package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// none is what people see where there is no value.
const none = "–"

// ago is a moment as people say it, and as RFC 3339.
func (a *app) ago(moment *timestamppb.Timestamp) cell {
	if moment == nil {
		return cell{none, ""}
	}
	return cell{ago(a.io.Now().Sub(moment.AsTime())), moment.AsTime().Format(time.RFC3339Nano)}
}

func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// count is a number with three digits, and exact.
func count(n int64) cell {
	exact := strconv.FormatInt(n, 10)
	switch {
	case n >= 1_000_000:
		return cell{fmt.Sprintf("%.1fM", float64(n)/1e6), exact}
	case n >= 1000:
		return cell{fmt.Sprintf("%.1fk", float64(n)/1e3), exact}
	}
	return cell{exact, exact}
}

// share is a part of a whole in percent; the exact form is the part.
func share(part, whole int64) cell {
	exact := strconv.FormatInt(part, 10)
	if part == 0 || whole == 0 {
		return cell{none, exact}
	}
	return cell{fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole)), exact}
}

// size is a number of bytes, and exact.
func size(n int64) cell {
	exact := strconv.FormatInt(n, 10)
	switch {
	case n >= 1<<20:
		return cell{fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)), exact}
	case n >= 1<<10:
		return cell{fmt.Sprintf("%.1f KiB", float64(n)/(1<<10)), exact}
	}
	return cell{exact + " B", exact}
}

// span is a duration in nanoseconds; 0 is unknown.
func span(nanos int64) cell {
	if nanos == 0 {
		return cell{none, ""}
	}
	return cell{duration(time.Duration(nanos)), strconv.FormatInt(nanos, 10)}
}

func list(words []string) cell {
	if len(words) == 0 {
		return cell{none, ""}
	}
	return text(strings.Join(words, ","))
}

func path(dialed bool) cell {
	if dialed {
		return text("dialed")
	}
	return text("inbound")
}
