package descriptor

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// importWalk goes through the graph of imports, depth first.
type importWalk struct {
	admission *admission
	known     map[string]bool
	depth     map[string]int // of files that are done: 1 without imports
	trail     []string       // from a root to the file at hand
	order     []string       // done, dependencies first
}

// order is every file that the namespace would hold, dependencies first. What is missing, imports itself or is nested
// too deep is added to the refusal. Files that only the process itself has are brought in as if the request had.
func (a *admission) order() []string {
	w := &importWalk{admission: a, known: wellKnownPaths(), depth: make(map[string]int)}
	for _, path := range slices.Concat(a.current.Paths(), slices.Sorted(maps.Keys(a.incoming))) {
		w.visit(path)
	}
	return w.order
}

func (w *importWalk) visit(path string) {
	if w.depth[path] > 0 || w.known[path] || w.admission.bad[path] || w.onTrail(path) || !w.found(path) {
		return
	}
	w.trail = append(w.trail, path)
	deepest := 0
	for _, next := range w.admission.imports(path) {
		w.visit(next)
		deepest = max(deepest, w.depth[next])
	}
	w.trail = w.trail[:len(w.trail)-1]
	w.done(path, deepest+1)
}

func (w *importWalk) done(path string, depth int) {
	w.depth[path] = depth
	w.order = append(w.order, path)
	if limit := w.admission.limits.Depth; depth == limit+1 { // told once for each chain
		w.admission.refusal.add(ErrTooLarge, "%s: imports are nested deeper than %d", path, limit)
	}
}

// onTrail refuses a file that imports itself, directly or through others.
func (w *importWalk) onTrail(path string) bool {
	start := slices.Index(w.trail, path)
	if start < 0 {
		return false
	}
	cycle := append(slices.Clone(w.trail[start:]), path)
	w.admission.refusal.add(ErrMalformed, "import cycle: %s", strings.Join(cycle, " → "))
	return true
}

// found looks for a file among the request, the namespace and the process's own.
func (w *importWalk) found(path string) bool {
	a := w.admission
	if _, ok := a.incoming[path]; ok {
		return true
	}
	if _, ok := a.current.Files[path]; ok {
		return true
	}
	if a.borrow(path) {
		return true
	}
	importer := w.trail[len(w.trail)-1] // roots are always found
	a.refusal.add(ErrMalformed, "%s imports %.200q, which is neither registered in the namespace nor part of the request",
		importer, path)
	return false
}

// borrow takes a file of the process itself, so that what is stored can be built without the process.
func (a *admission) borrow(path string) bool {
	if a.lend == nil {
		return false
	}
	fd := a.lend(path)
	if fd == nil {
		return false
	}
	encoded, err := Encode(fd)
	if err != nil {
		return false
	}
	a.incoming[path], a.encoded[path] = fd, encoded
	return true
}

// imports are the paths a file imports in the version that would be held.
func (a *admission) imports(path string) []string {
	if fd, ok := a.incoming[path]; ok {
		return fd.GetDependency()
	}
	if held, ok := a.current.Files[path]; ok {
		return importPaths(held.Descriptor)
	}
	return nil
}

func importPaths(fd protoreflect.FileDescriptor) []string {
	paths := make([]string, fd.Imports().Len())
	for i := range paths {
		paths[i] = fd.Imports().Get(i).Path()
	}
	return paths
}
