package payload

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// The name in an Any is a valid message name or the Any is refused.
func FuzzInput(f *testing.F) {
	for _, url := range []string{"", "type.googleapis.com/a.B", "a.B", "/", "http://x/../a", "a\x00b", "a..B", "type.googleapis.com/"} {
		f.Add(url, []byte("x"))
	}
	f.Fuzz(func(t *testing.T, url string, value []byte) {
		in := &anypb.Any{TypeUrl: url, Value: value}
		name, r := MessageName(in)
		if r == nil && name != "" && !protoreflect.FullName(name).IsValid() {
			t.Errorf("%q names %q", url, name)
		}
		if r == nil && name == "" && (url != "" || len(value) > 0) {
			t.Errorf("%q with %d bytes is taken for nothing", url, len(value))
		}
		if _, refused := Unpack(in, func() descriptor.Resolver { return descriptor.Chain{} }); r != nil && refused == nil {
			t.Errorf("%q is refused and yet unpacked", url)
		}
	})
}
