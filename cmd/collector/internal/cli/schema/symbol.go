package schema

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// Find looks a symbol up by its full name, or by the end of it if that is unambiguous.
func (s *Set) Find(symbol string) (protoreflect.Descriptor, error) {
	if found, err := s.files.FindDescriptorByName(protoreflect.FullName(symbol)); err == nil {
		return found, nil
	}
	var matches []protoreflect.Descriptor
	s.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for _, candidate := range symbols(file) {
			if strings.HasSuffix(string(candidate.FullName()), "."+symbol) {
				matches = append(matches, candidate)
			}
		}
		return true
	})
	switch len(matches) {
	case 0:
		return nil, failure.Usagef("no service, method, message or enum %q", symbol).Hint("collector services -o wide")
	case 1:
		return matches[0], nil
	}
	f := failure.Usagef("%q is ambiguous", symbol)
	for _, match := range matches {
		f.Because(string(match.FullName()))
	}
	return nil, f
}

// symbols are the services, their methods, and the messages, enums and extensions of a file that are not inside another
// one.
func symbols(file protoreflect.FileDescriptor) []protoreflect.Descriptor {
	var all []protoreflect.Descriptor
	for i := range file.Services().Len() {
		service := file.Services().Get(i)
		all = append(all, service)
		for j := range service.Methods().Len() {
			all = append(all, service.Methods().Get(j))
		}
	}
	for i := range file.Messages().Len() {
		all = append(all, file.Messages().Get(i))
	}
	for i := range file.Enums().Len() {
		all = append(all, file.Enums().Get(i))
	}
	for i := range file.Extensions().Len() {
		all = append(all, file.Extensions().Get(i))
	}
	return all
}
