package descriptor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/descriptorpb"
)

// Gather builds what it can of the files of strangers, each of which [Open] has accepted: one that is refused takes those
// with it that import it, and no other. The error has every reason, and is nil if there is none.
func Gather(files []*descriptorpb.FileDescriptorProto, limits Limits, now time.Time) (*Set, error) {
	g := &gathering{
		limits: limits, now: now, set: NewSet(),
		files: make(map[string]*descriptorpb.FileDescriptorProto, len(files)),
		depth: make(map[string]int, len(files)), refused: make(map[string]bool),
	}
	var order []string
	for _, file := range files {
		path := file.GetName()
		first, twice := g.files[path]
		switch {
		case WellKnown(path): // everybody has their own
		case !twice:
			g.files[path], order = file, append(order, path)
		case !SameMeaning(WithoutComments(first), WithoutComments(file), g.set.types):
			g.refusal.add(ErrConflict, "%s comes twice with different content", path)
		}
	}
	for _, path := range order {
		g.take(path)
	}
	return g.set, g.refusal.orNil()
}

// gathering is a Gather under way.
type gathering struct {
	limits  Limits
	now     time.Time
	set     *Set
	files   map[string]*descriptorpb.FileDescriptorProto // by path
	depth   map[string]int                               // of files that are taken: 1 without imports
	refused map[string]bool
	trail   []string // from a file of the list to the one at hand
	refusal refusal
}

// take adds a file after all it imports, and reports whether it is there.
func (g *gathering) take(path string) bool {
	switch {
	case g.depth[path] > 0 || WellKnown(path):
		return true
	case g.refused[path]:
		return false
	}
	err := g.add(path)
	if err != nil {
		g.refused[path] = true
		g.refusal.addError(err)
	}
	return err == nil
}

// add builds a file after those that it imports. Unlike an admission, a gathering says of each file only the first thing that is
// wrong with it: it is one of many of a peer, whose authors do not read this.
func (g *gathering) add(path string) error {
	if start := slices.Index(g.trail, path); start >= 0 {
		cycle := append(slices.Clone(g.trail[start:]), path)
		return fmt.Errorf("%w: import cycle: %s", ErrMalformed, strings.Join(cycle, " → "))
	}
	g.trail = append(g.trail, path)
	defer func() { g.trail = g.trail[:len(g.trail)-1] }()
	file := g.files[path]
	deepest := 0
	for _, next := range file.GetDependency() {
		if _, there := g.files[next]; !there && !WellKnown(next) {
			return fmt.Errorf("%w: %s imports %.200q, which is not there", ErrMalformed, path, next)
		}
		if !g.take(next) {
			return fmt.Errorf("%w: %s imports %s, which is refused", ErrMalformed, path, next)
		}
		deepest = max(deepest, g.depth[next])
	}
	if deepest >= g.limits.Depth {
		return fmt.Errorf("%w: %s: imports are nested deeper than %d", ErrTooLarge, path, g.limits.Depth)
	}
	if err := g.build(file); err != nil {
		return err
	}
	g.depth[path] = deepest + 1
	return nil
}

// build adds a file whose imports are there, if there is room for it. The comments go first where room is short.
func (g *gathering) build(proto *descriptorpb.FileDescriptorProto) error {
	if len(g.set.Files) >= g.limits.Files {
		return fmt.Errorf("%w: %s: there are %d files, and no more are taken", ErrTooLarge, proto.GetName(), g.limits.Files)
	}
	file, err := newFile(proto, g.now, g.limits.Comments-g.set.Comments)
	if err != nil {
		return err
	}
	if size := file.Size(); g.set.Bytes+size > g.limits.Bytes {
		return fmt.Errorf("%w: %s: %d bytes, and there is room for %d", ErrTooLarge, proto.GetName(), size, max(0, g.limits.Bytes-g.set.Bytes))
	}
	if file.Descriptor, err = g.set.Build(file.proto); err != nil {
		return err
	}
	return g.set.Add(file.File)
}
