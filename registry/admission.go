package registry

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// admission decides on the files of one request: what their namespace will hold, or everything that is against it. It
// does no I/O and changes nothing that exists.
type admission struct {
	limits  Limits
	room    int                                                 // bytes that the namespace's files may take, encoded
	current *fileSet                                            // what the namespace holds
	lend    func(path string) *descriptorpb.FileDescriptorProto // the process's own files; nil if there is none
	now     time.Time

	refusal  refusal
	incoming map[string]*descriptorpb.FileDescriptorProto // by path; what is there unchanged is left out
	encoded  map[string][]byte                            // of incoming
	bad      map[string]bool                              // files that are refused; nothing is said about their importers
}

// admitted is what a namespace holds if a request is accepted.
type admitted struct {
	files   *fileSet
	changed []string // paths of files that are new or different, sorted
}

func (a *admission) admit(request []*descriptorpb.FileDescriptorProto) (*admitted, error) {
	a.incoming = make(map[string]*descriptorpb.FileDescriptorProto)
	a.encoded = make(map[string][]byte)
	a.bad = make(map[string]bool)
	a.collect(request)
	if len(a.incoming) == 0 && a.refusal.count() == 0 {
		return &admitted{files: a.current}, nil
	}
	order := a.order()
	a.checkRoom()
	if err := a.refusal.orNil(); err != nil {
		return nil, err
	}
	next := a.build(order)
	if err := a.refusal.orNil(); err != nil {
		return nil, err
	}
	return &admitted{files: next, changed: slices.Sorted(maps.Keys(a.incoming))}, nil
}

// collect inspects each file by itself.
func (a *admission) collect(request []*descriptorpb.FileDescriptorProto) {
	if extra := len(request) - 1; extra > a.limits.Dependencies {
		a.refusal.add(ErrTooLarge, "%d files come along, at most %d are allowed", extra, a.limits.Dependencies)
		return
	}
	known := wellKnownPaths()
	for _, fd := range request {
		if !known[fd.GetName()] {
			a.collectFile(fd)
		}
	}
}

func (a *admission) collectFile(fd *descriptorpb.FileDescriptorProto) {
	before := a.refusal.count()
	inspect(fd, a.limits, &a.refusal)
	if a.refusal.count() > before {
		a.bad[fd.GetName()] = true
		return
	}
	encoded, err := encode(fd)
	if err != nil {
		a.refusal.add(ErrMalformed, "%s: %v", fd.GetName(), err)
		return
	}
	a.take(fd, encoded)
}

func (a *admission) take(fd *descriptorpb.FileDescriptorProto, encoded []byte) {
	path := fd.GetName()
	if twin, twice := a.encoded[path]; twice && !bytes.Equal(twin, encoded) {
		a.refusal.add(ErrConflict, "%s comes twice with different content", path)
		return
	}
	if held, ok := a.current.files[path]; ok && bytes.Equal(held.encoded, encoded) {
		return
	}
	a.incoming[path], a.encoded[path] = fd, encoded
}

// checkRoom adds up what the namespace would hold.
func (a *admission) checkRoom() {
	count, size := len(a.current.files), a.current.bytes
	for path, encoded := range a.encoded {
		size += len(encoded)
		if held, ok := a.current.files[path]; ok {
			size -= len(held.encoded)
		} else {
			count++
		}
	}
	if count > a.limits.Files {
		a.refusal.add(ErrTooLarge, "the namespace would hold %d files, at most %d are allowed", count, a.limits.Files)
	}
	if size > a.room {
		a.refusal.add(ErrTooLarge, "the namespace would hold %d bytes of files, and there is room for %d", size, a.room)
	}
}

// build makes the next set, file by file in order. Files that are there are kept unless something they import, at
// whatever distance, is new.
func (a *admission) build(order []string) *fileSet {
	next := newFileSet()
	rebuilt := make(map[string]bool)
	for _, path := range order {
		imports := a.imports(path)
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

func (a *admission) buildFile(next *fileSet, path string, rebuild bool) error {
	if !rebuild {
		return next.add(a.current.files[path])
	}
	made, err := a.revise(path)
	if err != nil {
		return err
	}
	descriptor, err := next.build(made.proto)
	if err != nil {
		return err
	}
	made.file.descriptor = descriptor
	return next.add(made.file)
}

// revision is a file about to be built.
type revision struct {
	proto *descriptorpb.FileDescriptorProto
	file  *file
}

func (a *admission) revise(path string) (revision, error) {
	held, replaces := a.current.files[path]
	if fd, ok := a.incoming[path]; ok {
		f := &file{encoded: a.encoded[path], times: times{a.now, a.now}}
		if replaces {
			f.times.created = held.times.created
		}
		return revision{fd, f}, nil
	}
	fd := new(descriptorpb.FileDescriptorProto)
	err := proto.Unmarshal(held.encoded, fd)
	return revision{fd, &file{encoded: held.encoded, times: held.times}}, err
}
