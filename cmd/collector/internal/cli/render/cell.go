package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/words"
)

// NoValue is what people see where there is no value.
const NoValue = "–"

// Cell is a value in the form for people and in the form for programs.
type Cell struct{ Human, Exact string }

// Text is a value that reads the same for both.
func Text(s string) Cell { return Cell{s, s} }

// Pair is a value with two forms.
func Pair(human, exact string) Cell { return Cell{human, exact} }

// None is where there is no value.
func None() Cell { return Cell{NoValue, ""} }

// Maybe is a text; an empty one is no value.
func Maybe(s string) Cell {
	if s == "" {
		return None()
	}
	return Text(s)
}

// Count is a number with three digits, and exact.
func Count(n int64) Cell {
	exact := strconv.FormatInt(n, 10)
	switch {
	case n >= 1_000_000:
		return Cell{fmt.Sprintf("%.1fM", float64(n)/1e6), exact}
	case n >= 1000:
		return Cell{fmt.Sprintf("%.1fk", float64(n)/1e3), exact}
	}
	return Text(exact)
}

// Share is a part of a whole in percent; the exact form is the part.
func Share(part, whole int64) Cell {
	exact := strconv.FormatInt(part, 10)
	if part == 0 || whole == 0 {
		return Cell{NoValue, exact}
	}
	return Cell{fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole)), exact}
}

// Size is a number of bytes, and exact.
func Size(n int64) Cell {
	exact := strconv.FormatInt(n, 10)
	switch {
	case n >= 1<<20:
		return Cell{fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)), exact}
	case n >= 1<<10:
		return Cell{fmt.Sprintf("%.1f KiB", float64(n)/(1<<10)), exact}
	}
	return Cell{exact + " B", exact}
}

// Span is a duration in nanoseconds; 0 is unknown.
func Span(nanos int64) Cell {
	if nanos == 0 {
		return None()
	}
	return Cell{words.Duration(time.Duration(nanos)), strconv.FormatInt(nanos, 10)}
}

// List is several values, separated by commas.
func List(values []string) Cell { return Maybe(strings.Join(values, ",")) }

// Path says who dialled a connection.
func Path(dialed bool) Cell {
	if dialed {
		return Text("dialed")
	}
	return Text("inbound")
}
