package descriptor

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Admission is what a request to admit files meets.
type Admission struct {
	Limits  Limits
	Current *Set                                                // what the namespace holds; nil for nothing
	Lend    func(path string) *descriptorpb.FileDescriptorProto // files of the process itself, nil for one it has not; nil for none
	Now     time.Time                                           // when the files come in
}

// Admitted is what a namespace holds if a request is accepted.
type Admitted struct {
	Files   *Set
	Changed []string // paths of files that are new or different, sorted
	Bare    []string // those of them whose comments had no room
}

// Admit decides on the files of one request: what their namespace will hold, or everything that is against it, which
// has one or more of [ErrMalformed], [ErrTooLarge], [ErrConflict] and [ErrReserved] in its chain. It does no I/O and
// changes nothing that exists.
func (in Admission) Admit(request []*descriptorpb.FileDescriptorProto) (*Admitted, error) {
	a := &admission{
		limits: in.Limits, current: in.Current, lend: in.Lend, now: in.Now,
		incoming: make(map[string]*descriptorpb.FileDescriptorProto),
		encoded:  make(map[string][]byte),
		first:    make(map[string]*descriptorpb.FileDescriptorProto),
		tooMany:  make(map[string]bool),
		bad:      make(map[string]bool),
	}
	if a.current == nil {
		a.current = NewSet()
	}
	return a.admit(request)
}

// admission is an [Admission] under way.
type admission struct {
	limits  Limits
	current *Set
	lend    func(path string) *descriptorpb.FileDescriptorProto
	now     time.Time

	refusal  refusal
	incoming map[string]*descriptorpb.FileDescriptorProto // by path; what is there unchanged is left out
	encoded  map[string][]byte                            // of incoming
	first    map[string]*descriptorpb.FileDescriptorProto // of each path, the first in the request
	twins    []*descriptorpb.FileDescriptorProto          // the others
	bare     []string                                     // paths of files whose comments had no room
	tooMany  map[string]bool                              // files that came with more comments than are looked at
	bad      map[string]bool                              // files that are refused; nothing is said about their importers
}

// admit goes on only from a step without refusals: what comes later would repeat them in other words. A request is built twice
// if some of its files turn out to say what is there already, which only the built ones show.
func (a *admission) admit(request []*descriptorpb.FileDescriptorProto) (*Admitted, error) {
	a.collect(request)
	if len(a.incoming) == 0 && a.refusal.count() == 0 {
		a.checkTwins(a.current)
		return &Admitted{Files: a.current}, a.refusal.orNil()
	}
	order := a.order()
	a.checkRoom()
	if err := a.refusal.orNil(); err != nil {
		return nil, err
	}
	next := a.build(order)
	a.checkTwins(next)
	if err := a.refusal.orNil(); err != nil {
		return nil, err
	}
	if a.forgetSame(next) {
		return a.settle(order)
	}
	return a.admitted(next), nil
}

// collect inspects each file by itself.
func (a *admission) collect(request []*descriptorpb.FileDescriptorProto) {
	if extra := len(request) - 1; extra > a.limits.Companions {
		a.refusal.add(ErrTooLarge, "%d files come along, at most %d are allowed", extra, a.limits.Companions)
		return
	}
	known := wellKnownPaths()
	for _, fd := range request {
		if !known[fd.GetName()] {
			a.collectFile(fd)
		}
	}
}

// collectFile marks a file that is refused as bad, so that nothing is said about who imports it.
func (a *admission) collectFile(fd *descriptorpb.FileDescriptorProto) {
	before := a.refusal.count()
	fd, bare := legible(fd, a.limits)
	a.tooMany[fd.GetName()] = bare
	inspect(fd, a.limits, &a.refusal)
	if a.refusal.count() > before {
		a.bad[fd.GetName()] = true
		return
	}
	encoded, err := Encode(fd)
	if err != nil {
		a.refusal.add(ErrMalformed, "%s: %v", fd.GetName(), err)
		return
	}
	a.take(fd, encoded)
}

// take notes a file to be admitted. That it has the bytes of the one that is held is the usual case, of programs that register
// at every start, and ends here.
func (a *admission) take(fd *descriptorpb.FileDescriptorProto, encoded []byte) {
	path := fd.GetName()
	if a.first[path] != nil {
		a.twins = append(a.twins, fd)
		return
	}
	a.first[path] = fd
	if held, ok := a.current.Files[path]; ok && bytes.Equal(held.Encoded, encoded) {
		return
	}
	a.incoming[path], a.encoded[path] = fd, encoded
}

// checkTwins refuses files that came twice and do not say the same. next has the options of both.
func (a *admission) checkTwins(next *Set) {
	for _, twin := range a.twins {
		if path := twin.GetName(); !sameAs(a.first[path], twin, next.types) {
			a.refusal.add(ErrConflict, "%s comes twice with different content", path)
		}
	}
}

// forgetSame takes those files out of the request that say what the namespace has already, in other bytes. It reports
// whether there was one. next has the options of both.
func (a *admission) forgetSame(next *Set) (found bool) {
	for path := range a.incoming {
		held, ok := a.current.Files[path]
		if !ok || !sameAs(held.proto(), next.Files[path].proto(), next.types) {
			continue
		}
		found = true
		delete(a.incoming, path)
		delete(a.encoded, path)
	}
	return found
}

// sameAs reports whether a file would change nothing about one that is held: it says the same, comments included, or
// leaves the comments out.
func sameAs(held, fd *descriptorpb.FileDescriptorProto, types Resolver) bool {
	if fd.GetSourceCodeInfo() == nil {
		held = proto.CloneOf(held)
		held.SourceCodeInfo = nil
	}
	return SameMeaning(held, fd, types)
}

// settle admits what is left of a request that can be admitted.
func (a *admission) settle(order []string) (*Admitted, error) {
	if len(a.incoming) == 0 {
		return &Admitted{Files: a.current}, nil
	}
	next := a.build(order)
	return a.admitted(next), a.refusal.orNil()
}

// admitted is the answer to a request of which what is left in incoming is new.
func (a *admission) admitted(next *Set) *Admitted {
	return &Admitted{Files: next, Changed: slices.Sorted(maps.Keys(a.incoming)), Bare: a.bare}
}

// order is every file that the namespace would hold, dependencies first.
func (a *admission) order() []string {
	w := &importWalk{
		imports: a.findImports, skip: func(path string) bool { return a.bad[path] },
		limit: a.limits.Depth, refusal: &a.refusal,
	}
	w.walk(slices.Concat(a.current.Paths(), slices.Sorted(maps.Keys(a.incoming))))
	return w.order
}

// findImports looks for a file among the request, the namespace and the process's own, and answers its imports.
func (a *admission) findImports(path string) (imports []string, ok bool) {
	if imports, ok := a.imports(path); ok {
		return imports, true
	}
	if a.borrow(path) {
		return a.imports(path)
	}
	return nil, false
}

// borrow takes a file of the process itself as if it had come with the request, so that what is stored can be built without
// the process.
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
func (a *admission) imports(path string) (paths []string, ok bool) {
	if fd, ok := a.incoming[path]; ok {
		return fd.GetDependency(), true
	}
	if held, ok := a.current.Files[path]; ok {
		return importPaths(held.Descriptor), true
	}
	return nil, false
}

// checkRoom adds up what the namespace would hold.
func (a *admission) checkRoom() {
	count, size := len(a.current.Files), a.current.Bytes
	for path, encoded := range a.encoded {
		size += declaredSize(encoded)
		if held, ok := a.current.Files[path]; ok {
			size -= held.Size()
		} else {
			count++
		}
	}
	if count > a.limits.Files {
		a.refusal.add(ErrTooLarge, "the namespace would hold %d files, at most %d are allowed", count, a.limits.Files)
	}
	if size > a.limits.Bytes {
		a.refusal.add(ErrTooLarge, "the namespace would hold %d bytes of files, and there is room for %d", size, a.limits.Bytes)
	}
}

// build makes the next set, file by file in order. Files that are there are kept unless something they import, at
// whatever distance, is new.
func (a *admission) build(order []string) *Set {
	next := NewSet()
	a.bare = nil
	rebuilt := make(map[string]bool)
	for _, path := range order {
		imports, _ := a.imports(path)
		if slices.ContainsFunc(imports, func(p string) bool { return a.bad[p] }) {
			a.bad[path] = true
			continue
		}
		_, isNew := a.incoming[path]
		rebuilt[path] = isNew || slices.ContainsFunc(imports, func(p string) bool { return rebuilt[p] })
		if err := a.buildFile(next, path, rebuilt[path]); err != nil {
			a.bad[path] = true
			a.refusal.addError(err)
		}
	}
	return next
}

// buildFile keeps the descriptor of a file that nothing changed for, and makes a new one otherwise: descriptors point to those
// that they import.
func (a *admission) buildFile(next *Set, path string, rebuild bool) error {
	if !rebuild {
		return next.Add(a.current.Files[path])
	}
	made, err := a.revise(path, a.limits.Comments-next.Comments)
	if err != nil {
		return err
	}
	if made.Descriptor, err = next.Build(made.proto); err != nil {
		return err
	}
	return next.Add(made.File)
}

// revise makes the next version of a file, with its comments if they fit into the room for them.
func (a *admission) revise(path string, room int) (revision, error) {
	held, replaces := a.current.Files[path]
	if fd, ok := a.incoming[path]; ok {
		r, err := newFile(fd, a.now, room)
		if err == nil && replaces {
			r.Created = held.Created
		}
		if err == nil && (r.proto != fd || a.tooMany[path]) {
			a.bare = append(a.bare, path)
		}
		return r, err
	}
	fd := new(descriptorpb.FileDescriptorProto)
	err := proto.Unmarshal(held.Encoded, fd)
	return revision{fd, &File{Encoded: held.Encoded, Created: held.Created, Updated: held.Updated}}, err
}

// revision is a file about to be built.
type revision struct {
	proto *descriptorpb.FileDescriptorProto
	*File
}

// newFile is a file without a descriptor yet, and without comments if there is no room for them.
func newFile(fd *descriptorpb.FileDescriptorProto, now time.Time, room int) (revision, error) {
	if _, comments := sizes(fd); comments > room {
		fd = WithoutComments(fd)
	}
	encoded, err := Encode(fd)
	if err != nil {
		return revision{}, fmt.Errorf("%w: %s: %w", ErrMalformed, fd.GetName(), err)
	}
	return revision{fd, &File{Encoded: encoded, Created: now, Updated: now}}, nil
}
