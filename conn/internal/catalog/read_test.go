package catalog

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	method := func(namespace, procedure string) *meshv1.CatalogMethod {
		return &meshv1.CatalogMethod{Namespace: namespace, Procedure: procedure}
	}
	long := method("eu", "/a.B/C")
	long.OutputType = strings.Repeat("x", 600)
	files := &meshv1.CatalogSchema{Namespace: "eu", FileHashes: [][]byte{make([]byte, 32)}}
	var tooMany []byte
	for i := range MaxMethods + 1 {
		tooMany = append(tooMany, encodeCatalog(t, method("eu", fmt.Sprintf("/a.B/C%d", i)))...)
	}
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"too many bytes", bytes.Repeat([]byte{0}, MaxBytes+1), "at most 4194304 are taken"},
		{"no catalog", []byte{0xff}, "not a collector.mesh.v1.Catalog"},
		{"namespace", encodeCatalog(t, method("E U", "/a.B/C")), `namespace "E U"`},
		{"procedure", encodeCatalog(t, method("eu", "a.B/C")), "procedure"},
		{"a method twice", encodeCatalog(t, method("eu", "/a.B/C"), method("eu", "/a.B/C")), "listed twice"},
		{"type name", encodeCatalog(t, long), "longer than 512"},
		{"schema namespace", encodeSchemas(t, &meshv1.CatalogSchema{Namespace: "E U"}), `namespace "E U"`},
		{"a schema twice", encodeSchemas(t, files, files), "listed twice"},
		{"a removed method in the full set", encodeCatalog(t, &meshv1.CatalogMethod{Namespace: "eu", Procedure: "/a.B/C", Removed: true}), "none that is removed"},
		{"changes of another set", protowire.AppendVarint([]byte{0x28}, 7), ErrDoubt.Error()},
		{"a base that comes late", append(encodeCatalog(t, method("eu", "/a.B/C")), 0x28, 7), "base comes behind"},
		{"another digest", append(encodeCatalog(t, method("eu", "/a.B/C")), 0x31, 1, 2, 3, 4, 5, 6, 7, 8), ErrDoubt.Error()},
		{"file hash", encodeSchemas(t, &meshv1.CatalogSchema{Namespace: "eu", FileHashes: [][]byte{{1}}}), "a file hash has 1 bytes, want 32"},
		{"too many files", encodeSchemas(t, &meshv1.CatalogSchema{Namespace: "eu", FileHashes: make([][]byte, MaxFiles+1)}), "at most 10000 are taken"},
		{"no method", bytes.Repeat([]byte{0x12, 0x00}, 2), "method 0: invalid name: namespace"},
		{"too many methods", tooMany, "more than 100000 methods"},
	}
	for _, tt := range tests {
		if _, err := Read(tt.in, new(Set), 0, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Whatever is read is well formed, within the bounds, and sums up to its digest.
func FuzzRead(f *testing.F) {
	f.Add(encodeCatalog(f, &meshv1.CatalogMethod{Namespace: "eu", Procedure: "/a.B/C", Fingerprint: 7}))
	f.Add(encodeSchemas(f, &meshv1.CatalogSchema{Namespace: "eu", FileHashes: [][]byte{make([]byte, 32)}}))
	own, err := NewOwn().Replace(&meshv1.Catalog{Methods: []*meshv1.CatalogMethod{{Namespace: "eu", Procedure: "/a.B/C"}, {Namespace: "eu", Procedure: "/a.B/D"}}})
	if err != nil {
		f.Fatal(err)
	}
	next, err := own.Amend(&meshv1.Catalog{Methods: []*meshv1.CatalogMethod{{Namespace: "eu", Procedure: "/a.B/C", Removed: true}, {Namespace: "us", Procedure: "/a.B/C"}}})
	if err != nil {
		f.Fatal(err)
	}
	shared := []string{"eu", "us"}
	changes, _ := next.since(own.number, 1, shared)
	for _, seed := range [][]byte{changes, next.full(shared), goodbye(), changes[:len(changes)-9]} {
		f.Add(seed)
	}
	held, err := Read(own.full(shared), new(Set), 0, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		told, err := Read(data, held.Set, 1, nil)
		if err != nil {
			return
		}
		count, digest := 0, uint64(0)
		for namespace, in := range told.spaces.All() {
			if in.schema != nil {
				digest += in.schema.hash
			}
			for procedure, m := range in.methods.All() {
				count, digest = count+1, digest+m.hash
				if err := checkMethod(m.CatalogMethod); err != nil || m.GetProcedure() != procedure || m.GetNamespace() != namespace || m.GetRemoved() {
					t.Errorf("%s %s got in: %v", namespace, procedure, err)
				}
			}
		}
		if count != told.Len() || digest != told.digest {
			t.Errorf("%d methods of %d, digest %x of %x", count, told.Len(), digest, told.digest)
		}
	})
}

func encodeCatalog(t testing.TB, methods ...*meshv1.CatalogMethod) []byte {
	t.Helper()
	data, err := proto.Marshal(&meshv1.Catalog{Revision: 1, Methods: methods})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func encodeSchemas(t testing.TB, schemas ...*meshv1.CatalogSchema) []byte {
	t.Helper()
	data, err := proto.Marshal(&meshv1.Catalog{Revision: 1, Schemas: schemas})
	if err != nil {
		t.Fatal(err)
	}
	return data
}
