package refusal

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Bounds of a search for near names, so that a wrong name, which anybody may send, costs little on a collector with many.
const (
	nearNames    = 3
	nearExamined = 2000
	nearLongest  = 256
)

// Names are the keys of a map from which to suggest some, sorted, so that a text is the same each time; none if there are so
// many that sorting them would cost more than the refusal is worth.
func Names[V any](of map[string]V) []string {
	if len(of) > nearExamined {
		return nil
	}
	return slices.Sorted(maps.Keys(of))
}

// nearest returns up to three of the names that differ least from the one asked for, nearest first. Names that share
// less than half their letters are no help and left out.
func nearest(asked string, names []string) []string {
	type match struct {
		name     string
		distance int
	}
	var matches []match
	for _, name := range names[:min(len(names), nearExamined)] {
		if longer := len(asked) - len(name); 2*max(longer, -longer) > max(len(asked), len(name)) {
			continue // as many letters as they differ in length, at least
		}
		d := distance(strings.ToLower(asked), strings.ToLower(name))
		if 2*d <= max(len(asked), len(name)) {
			matches = append(matches, match{name, d})
		}
	}
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	found := make([]string, 0, nearNames)
	for _, m := range matches[:min(len(matches), nearNames)] {
		found = append(found, m.name)
	}
	return found
}

// Suggest is the end of a message about a wrong name: "; near: a, b" or nothing.
func Suggest(asked string, names []string) string {
	found := nearest(asked, names)
	if len(found) == 0 {
		return ""
	}
	return "; near: " + strings.Join(found, ", ")
}

// distance is Levenshtein's: the letters to insert, delete or replace to make a into b. Names longer than 256 bytes
// are compared by their first 256.
func distance(a, b string) int {
	a, b = a[:min(len(a), nearLongest)], b[:min(len(b), nearLongest)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
