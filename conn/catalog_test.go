package conn

import (
	"bytes"
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
		{"too many methods", bytes.Repeat([]byte{0x12, 0x00}, maxCatalogMethods+1), "at most 100000 are taken"},
	}
	for _, tt := range tests {
		if _, err := parseCatalog(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func FuzzParseCatalog(f *testing.F) {
	f.Add(encodeCatalog(f, &meshv1.CatalogMethod{Namespace: "eu", Procedure: "/a.B/C", Fingerprint: 7}))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCatalog(data)
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
