package conn

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

func TestParseCatalogRefuses(t *testing.T) {
	t.Parallel()
	method := func(namespace, procedure string) *meshv1.CatalogMethod {
		return &meshv1.CatalogMethod{Namespace: namespace, Procedure: procedure}
	}
	long := method("eu", "/a.B/C")
	long.OutputType = strings.Repeat("x", 600)
	var tooMany []byte
	for i := range maxCatalogMethods + 1 {
		tooMany = append(tooMany, encodeCatalog(t, method("eu", fmt.Sprintf("/a.B/C%d", i)))...)
	}
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"too many bytes", bytes.Repeat([]byte{0}, maxCatalogBytes+1), "at most 4194304 are taken"},
		{"no catalog", []byte{0xff}, "not a collector.mesh.v1.Catalog"},
		{"namespace", encodeCatalog(t, method("E U", "/a.B/C")), `namespace "E U"`},
		{"procedure", encodeCatalog(t, method("eu", "a.B/C")), "procedure"},
		{"a method twice", encodeCatalog(t, method("eu", "/a.B/C"), method("eu", "/a.B/C")), "listed twice"},
		{"type name", encodeCatalog(t, long), "longer than 512"},
		{"schema namespace", encodeSchemas(t, &meshv1.CatalogSchema{Namespace: "E U"}), `namespace "E U"`},
		{"a schema twice", encodeSchemas(t, &meshv1.CatalogSchema{Namespace: "eu"}, &meshv1.CatalogSchema{Namespace: "eu"}), "listed twice"},
		{"file hash", encodeSchemas(t, &meshv1.CatalogSchema{Namespace: "eu", FileHashes: [][]byte{{1}}}), "a file hash has 1 bytes, want 32"},
		{"too many files", encodeSchemas(t, &meshv1.CatalogSchema{Namespace: "eu", FileHashes: make([][]byte, maxSchemaFiles+1)}), "at most 10000 are taken"},
		{"no method", bytes.Repeat([]byte{0x12, 0x00}, 2), "method 0: invalid name: namespace"},
		{"too many methods", tooMany, "more than 100000 methods"},
	}
	for _, tt := range tests {
		if _, err := parseCatalog(tt.in, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzParseCatalog(f *testing.F) {
	f.Add(encodeCatalog(f, &meshv1.CatalogMethod{Namespace: "eu", Procedure: "/a.B/C", Fingerprint: 7}))
	f.Add(encodeSchemas(f, &meshv1.CatalogSchema{Namespace: "eu", FileHashes: [][]byte{make([]byte, 32)}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCatalog(data, nil)
		if err != nil {
			return
		}
		for namespace := range c.methods {
			for procedure, m := range c.In(namespace) {
				if err := checkCatalogMethod(m); err != nil || m.GetProcedure() != procedure {
					t.Errorf("%s %s got in: %v", namespace, procedure, err)
				}
			}
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

// A peer hears of the files of shared namespaces only.
func TestAnnouncementNamesSharedSchemasOnly(t *testing.T) {
	t.Parallel()
	hash := bytes.Repeat([]byte{7}, 32)
	a, err := newCatalogUpdate(&meshv1.Catalog{Schemas: []*meshv1.CatalogSchema{
		{Namespace: "eu", FileHashes: [][]byte{hash}}, {Namespace: "us", FileHashes: [][]byte{hash, hash}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseCatalog(a.encode(1, []string{"eu"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Files("eu")) != 1 || !bytes.Equal(c.Files("eu")[0], hash) || c.Files("us") != nil {
		t.Errorf("eu %x, us %x", c.Files("eu"), c.Files("us"))
	}
}
