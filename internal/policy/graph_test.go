package policy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// graph has an arrow from a file to each file that it needs, with the names that it needs it for.
type graph map[string]map[string]map[string]bool

func (g graph) add(from, to, name string) {
	if from == to {
		return
	}
	if g[from] == nil {
		g[from] = make(map[string]map[string]bool)
	}
	if g[from][to] == nil {
		g[from][to] = make(map[string]bool)
	}
	g[from][to][name] = true
}

// next are the files that a file needs, sorted.
func (g graph) next(file string) []string { return slices.Sorted(maps.Keys(g[file])) }

// circle answers a shortest way from a file back to itself, which it begins and ends with; none if there is none.
func (g graph) circle(file string) []string {
	before := make(map[string]string) // the file that each one was found from
	for queue := []string{file}; len(queue) > 0; queue = queue[1:] {
		for _, to := range g.next(queue[0]) {
			if _, seen := before[to]; seen {
				continue
			}
			before[to] = queue[0]
			if to == file {
				return wayBack(before, file)
			}
			queue = append(queue, to)
		}
	}
	return nil
}

// wayBack walks from the end of a circle to its beginning.
func wayBack(before map[string]string, file string) []string {
	way := []string{file}
	for at := before[file]; at != file; at = before[at] {
		way = append(way, at)
	}
	way = append(way, file)
	slices.Reverse(way)
	return way
}

// circles answers the files that lie on a circle, and the shortest circle of all.
func (g graph) circles() (files, shortest []string) {
	for _, file := range slices.Sorted(maps.Keys(g)) {
		way := g.circle(file)
		if way == nil {
			continue
		}
		files = append(files, file)
		if shortest == nil || len(way) < len(shortest) {
			shortest = way
		}
	}
	return files, shortest
}

// story tells a way, each arrow with a few of the names that make it.
func (g graph) story(way []string) string {
	text := &strings.Builder{}
	for i, to := range way[1:] {
		names := slices.Sorted(maps.Keys(g[way[i]][to]))
		if more := len(names) - maxNames; more > 0 {
			names = append(names[:maxNames], fmt.Sprintf("%d more", more))
		}
		fmt.Fprintf(text, "\n\t%s needs %s for %s", way[i], to, strings.Join(names, ", "))
	}
	return text.String()
}

// maxNames bounds the names that a story tells for one arrow.
const maxNames = 8

func TestCirclesOfAGraph(t *testing.T) {
	t.Parallel()
	g := graph{}
	g.add("top", "left", "Left")
	g.add("left", "right", "Right")
	g.add("right", "left", "back")
	g.add("right", "low", "Low")
	g.add("low", "low", "own")
	files, shortest := g.circles()
	if want := []string{"left", "right"}; !slices.Equal(files, want) {
		t.Errorf("on a circle: %v, want %v", files, want)
	}
	want := "\n\tleft needs right for Right\n\tright needs left for back"
	if got := g.story(shortest); got != want {
		t.Errorf("the story is %q, want %q", got, want)
	}
}
