package descriptor

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// File is one admitted file. It is immutable.
type File struct {
	Descriptor       protoreflect.FileDescriptor
	Encoded          []byte    // the FileDescriptorProto as it came in, with its comments if there was room
	Created, Updated time.Time // when a file of this path, and this file, was admitted
}

// Path is the path by which others import the file.
func (f *File) Path() string { return f.Descriptor.Path() }

// Size is the bytes of the file, encoded, without its comments.
func (f *File) Size() int { return declaredSize(f.Encoded) }

// proto is the file with the names of types in full, however it came in.
func (f *File) proto() *descriptorpb.FileDescriptorProto {
	return protodesc.ToFileDescriptorProto(f.Descriptor)
}

// Set is the files of one namespace with all they import, and the names in them. It is a resolver of names for
// protodesc and for reflection. It is immutable once built; a change makes a new one. Invariant: every import of a file
// is in the set or well known, and resolves there.
type Set struct {
	Files    map[string]*File     // by path, without the well-known ones
	Bytes    int                  // of all files, encoded, without their comments
	Comments int                  // bytes of their comments
	names    *protoregistry.Files // every name, the well-known ones included
	types    *dynamicpb.Types     // of names
}

// NewSet is a set without files.
func NewSet() *Set {
	set := &Set{Files: make(map[string]*File), names: new(protoregistry.Files)}
	set.types = dynamicpb.NewTypes(set.names)
	for _, known := range wellKnownFiles() {
		// The first registrations into an empty set of files that are consistent: there is nothing to fail.
		_ = set.names.RegisterFile(known)
	}
	return set
}

// Add puts a file into a set that is being built, unless one of its names is taken. All it imports must be there.
func (s *Set) Add(f *File) error {
	if taken := s.taken(f.Descriptor); len(taken) > 0 {
		return &refusal{reasons: taken}
	}
	if err := s.names.RegisterFile(f.Descriptor); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrConflict, f.Path(), err)
	}
	s.Files[f.Path()] = f
	s.Bytes += f.Size()
	s.Comments += len(f.Encoded) - f.Size()
	return nil
}

// taken says which top-level names of a file are declared by another one.
func (s *Set) taken(fd protoreflect.FileDescriptor) (reasons []error) {
	for d := range topLevel(fd) {
		owner, err := s.names.FindDescriptorByName(d.FullName())
		if err == nil && len(reasons) < MaxReasons {
			reasons = append(reasons, fmt.Errorf("%w: %s is declared in both %s and %s",
				ErrConflict, d.FullName(), owner.ParentFile().Path(), fd.Path()))
		}
	}
	return reasons
}

// topLevel goes through the messages, enums, enum values, extensions and services of a file.
func topLevel(fd protoreflect.FileDescriptor) func(yield func(protoreflect.Descriptor) bool) {
	return func(yield func(protoreflect.Descriptor) bool) {
		for i := range fd.Enums().Len() {
			enum := fd.Enums().Get(i)
			if !yield(enum) || !each(enum.Values(), yield) {
				return
			}
		}
		_ = each(fd.Messages(), yield) && each(fd.Extensions(), yield) && each(fd.Services(), yield)
	}
}

// each hands the elements of one of protoreflect's lists on, until yield wants no more.
func each[D protoreflect.Descriptor](list interface {
	Len() int
	Get(int) D
}, yield func(protoreflect.Descriptor) bool) bool {
	for i := range list.Len() {
		if !yield(list.Get(i)) {
			return false
		}
	}
	return true
}

// Build makes a descriptor of a foreign file whose imports are all in the set. The file has been inspected.
func (s *Set) Build(fd *descriptorpb.FileDescriptorProto) (built protoreflect.FileDescriptor, err error) {
	defer func() {
		// protodesc has panicked on odd input before (golang/protobuf#1669), and this input is foreign.
		if problem := recover(); problem != nil {
			built, err = nil, fmt.Errorf("%w: %s cannot be built: %v", ErrMalformed, fd.GetName(), problem)
		}
	}()
	built, err = protodesc.NewFile(fd, s.names)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, fd.GetName(), err)
	}
	return built, nil
}

// FindFileByPath finds a file, or a well-known one.
func (s *Set) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return s.names.FindFileByPath(path)
}

// FindDescriptorByName finds a symbol by its full name.
func (s *Set) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return s.names.FindDescriptorByName(name)
}

// Types are the messages and extensions that the files declare, as dynamic types.
func (s *Set) Types() Resolver { return s.types }

// Paths are the paths of all files, sorted.
func (s *Set) Paths() []string { return slices.Sorted(maps.Keys(s.Files)) }

// Encode makes the bytes by which files are stored and compared. They are the same for the same message in one build of this
// program only, which costs a comparison of the meaning in another.
func Encode(fd *descriptorpb.FileDescriptorProto) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(fd)
}

// Service finds a service by its full name. What else has that name is none.
func (s *Set) Service(fullName string) (protoreflect.ServiceDescriptor, bool) {
	d, err := s.names.FindDescriptorByName(protoreflect.FullName(fullName))
	if err != nil {
		return nil, false
	}
	service, ok := d.(protoreflect.ServiceDescriptor)
	return service, ok
}

// ServicesNamed finds the services with a short name in one file, or in all if path is empty, ordered by file.
func (s *Set) ServicesNamed(short protoreflect.Name, path string) []protoreflect.ServiceDescriptor {
	var found []protoreflect.ServiceDescriptor
	for _, p := range s.Paths() {
		if d := s.Files[p].Descriptor.Services().ByName(short); d != nil && (path == "" || path == p) {
			found = append(found, d)
		}
	}
	return found
}

// MessagesOf lists the full names of the messages that a file declares, nested ones included.
func (s *Set) MessagesOf(path string) []string {
	fd, err := s.names.FindFileByPath(path)
	if err != nil {
		return nil
	}
	return appendMessageNames(nil, fd.Messages())
}

// appendMessageNames leaves out the entries of maps, which nobody wrote.
func appendMessageNames(names []string, messages protoreflect.MessageDescriptors) []string {
	for i := range messages.Len() {
		m := messages.Get(i)
		if m.IsMapEntry() {
			continue
		}
		names = appendMessageNames(append(names, string(m.FullName())), m.Messages())
	}
	return names
}
