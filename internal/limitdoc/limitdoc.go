// Package limitdoc compares the tables of docs/limits.md with the code. Only tests import it: each package whose limits
// the page names has one that gives [Check] what its code goes by.
//
//	row      a line of a table: what is limited, its default, where it is changed, what is seen
//	where    the first words of the third column: a Go name or a flag in code, or "fixed" and a package
//	owner    the package whose test answers for a row
package limitdoc

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Row is a line of the page.
type Row struct {
	// Name is the Go name or the flag by which the limit is changed; of one that is fixed, what the page calls it.
	Name string
	// Owner is the package that has it, by the last element of its path.
	Owner string
	// Default is as the page writes it, such as `4 MiB`.
	Default string
	// Code is everything that the third column has in code: names and flags.
	Code []string
}

var (
	code  = regexp.MustCompile("`([^`]+)`") // what the page has in code
	fixed = regexp.MustCompile("^fixed, `(\\w+)`$")
)

// Rows reads the page: every line of four columns that is neither a heading nor the line below one. What cannot be read fails
// the test, since a row that is skipped would be checked by nobody.
func Rows(t testing.TB) []Row {
	t.Helper()
	text, err := os.ReadFile(page(t))
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.HasPrefix(cells[0], "---") || strings.TrimSpace(cells[2]) == "where" {
			continue
		}
		row, err := newRow(strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]))
		if err != nil {
			t.Fatalf("docs/limits.md: %v\n%s", err, line)
		}
		rows = append(rows, row)
	}
	return rows
}

// page finds the document from wherever the test of a package runs: tests run in the directory of their package, and the
// page is beside the go.mod of the module. Ten levels are more than there are.
func page(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, "docs", "limits.md")
}

// newRow reads what a limit is called from where it is changed: the first name in code there. The package is the first part of
// a Go name; flags are the command line's. What nothing changes says "fixed" and whose it is.
func newRow(what, value, where string) (Row, error) {
	if match := fixed.FindStringSubmatch(where); match != nil {
		return Row{Name: what, Owner: match[1], Default: value}, nil
	}
	row := Row{Default: value}
	for _, match := range code.FindAllStringSubmatch(where, -1) {
		row.Code = append(row.Code, match[1])
	}
	if len(row.Code) == 0 || !strings.HasPrefix(where, "`") {
		return row, fmt.Errorf("the third column begins with %q: want a name in code, or fixed and a package", where)
	}
	row.Name = row.Code[0]
	row.Owner, _, _ = strings.Cut(row.Name, ".")
	if strings.Contains(row.Name, " --") {
		row.Owner = "cli"
	}
	return row, nil
}

// Fields are the limits of a struct by the names that the page has for them, such as link.Limits.MaxCalls. Those whose names
// end with Bytes are bytes, and those that bytes names. A field that is a struct itself is left out: it is another's.
func Fields(name string, limits any, bytes ...string) map[string]any {
	all, v := make(map[string]any), reflect.ValueOf(limits)
	for i := range v.NumField() {
		field, value := v.Type().Field(i).Name, v.Field(i)
		switch {
		case value.Kind() == reflect.Struct:
		case strings.HasSuffix(field, "Bytes") || slices.Contains(bytes, field):
			all[name+"."+field] = Bytes(value.Int())
		default:
			all[name+"."+field] = value.Interface()
		}
	}
	return all
}

// Check fails the test for each row of an owner that says something else than the code, for each that the code does not
// know, and for each limit of the code that has no row. Values are what [Text] takes, by the names that rows have; those of
// several calls of [Fields] can be given side by side.
func Check(t testing.TB, owner string, values ...map[string]any) {
	t.Helper()
	want := make(map[string]any)
	for _, part := range values {
		maps.Copy(want, part)
	}
	for _, row := range Rows(t) {
		if row.Owner != owner {
			continue
		}
		value, known := want[row.Name]
		delete(want, row.Name)
		if !known {
			t.Errorf("docs/limits.md: %s: package %s has no such limit, or its test does not know it", row.Name, owner)
		} else if got := Text(value); got != row.Default {
			t.Errorf("docs/limits.md: %s is %s there, %s in the code: write %s", row.Name, row.Default, got, got)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("docs/limits.md: no row for %s, which is %s: say where it is changed and what is seen", name, Text(want[name]))
	}
}

// Percent is a value that the page writes with its sign: 25 is 25 %.
type Percent int

// Bytes is a number of bytes, which the page writes in KiB or MiB: a plain number of that size would be hard to read, and
// could be anything.
type Bytes int

// Text writes a time.Duration, a number of [Bytes], a [Percent] or a plain number as the page does.
func Text(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return durationText(v)
	case Percent:
		return fmt.Sprintf("%d %%", v)
	case Bytes:
		return bytesText(int(v))
	default:
		return countText(value)
	}
}

// durationText uses the largest unit that leaves a whole number; a single day is 24 h. What is no multiple of a millisecond is
// written as Go does.
func durationText(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%d d", d/day)
	}
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if d >= unit.of && d%unit.of == 0 {
			return fmt.Sprintf("%d %s", d/unit.of, unit.name)
		}
	}
	return d.String()
}

// bytesText uses the largest unit that leaves a whole number.
func bytesText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// countText puts a space between thousands from 10 000, as the page has it for people. A million and more stay as they are: no
// limit is that large. What is no number is written as Go does.
func countText(n any) string {
	text := fmt.Sprint(n)
	if number, err := strconv.Atoi(text); err == nil && number >= 10_000 && number < 1_000_000 {
		return fmt.Sprintf("%d %03d", number/1000, number%1000)
	}
	return text
}
