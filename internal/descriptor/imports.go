package descriptor

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// importWalk goes through the graph of imports, depth first. Each file is visited once, however many import it, so the walk
// costs what the graph is large.
type importWalk struct {
	imports func(path string) (paths []string, ok bool) // of a file that would be held; not ok: there is none
	skip    func(path string) bool                      // files that are refused anyway: nothing is said of them again
	limit   int                                         // of depth
	refusal *refusal                                    // what is wrong is added to

	known map[string]bool // paths that need not be walked: protobuf's own
	depth map[string]int  // of files that are done: 1 without imports
	trail []string        // from a root to the file at hand
	order []string        // done, dependencies first
}

// walk visits some files, all of which there are, with all they import. order is then every file met, dependencies first.
// What is missing, imports itself or is nested too deep is refused.
func (w *importWalk) walk(roots []string) {
	w.known, w.depth = wellKnownPaths(), make(map[string]int)
	for _, path := range roots {
		w.visit(path)
	}
}

func (w *importWalk) visit(path string) {
	if w.depth[path] > 0 || w.known[path] || w.skip(path) || w.onTrail(path) {
		return
	}
	imports, ok := w.imports(path)
	if !ok {
		w.missing(path)
		return
	}
	w.trail = append(w.trail, path)
	deepest := 0
	for _, next := range imports {
		w.visit(next)
		deepest = max(deepest, w.depth[next])
	}
	w.trail = w.trail[:len(w.trail)-1]
	w.done(path, deepest+1)
}

func (w *importWalk) done(path string, depth int) {
	w.depth[path] = depth
	w.order = append(w.order, path)
	if depth == w.limit+1 { // told once for each chain
		w.refusal.add(ErrTooLarge, "%s: imports are nested deeper than %d", path, w.limit)
	}
}

// onTrail refuses a file that imports itself, directly or through others.
func (w *importWalk) onTrail(path string) bool {
	start := slices.Index(w.trail, path)
	if start < 0 {
		return false
	}
	cycle := append(slices.Clone(w.trail[start:]), path)
	w.refusal.add(ErrMalformed, "import cycle: %s", strings.Join(cycle, " → "))
	return true
}

// missing refuses the file at the end of the trail, which imports one that nobody has. There is a trail: roots are there.
func (w *importWalk) missing(path string) {
	w.refusal.add(ErrMalformed, "%s imports %.200q, which is neither registered in the namespace nor part of the request",
		w.trail[len(w.trail)-1], path)
}

// importPaths are the imports of a built file, in its order.
func importPaths(fd protoreflect.FileDescriptor) []string {
	paths := make([]string, fd.Imports().Len())
	for i := range paths {
		paths[i] = fd.Imports().Get(i).Path()
	}
	return paths
}
