package dispatcher

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// Whatever a path looks like, it means a procedure of the view, to the byte, or is refused.
func FuzzNativePath(f *testing.F) {
	registered := make(map[string]map[string]*hosted.Method)
	for namespace, procedure := range map[string]string{"ns": "/x.S/Get", "other": "/y.S/Get"} {
		m, err := hosted.NewMethod(namespace, connect.Spec{Procedure: procedure}, nil)
		if err != nil {
			f.Fatal(err)
		}
		registered[namespace] = map[string]*hosted.Method{procedure: m}
	}
	v := routing.Join(routing.Inputs{Self: "a", Local: hosted.NewSnapshot(1, registered)})
	for _, path := range []string{"/x.S/Get", "/ns/ns/x.S/Get", "/ns/other/x.S/Get", "//x.S/Get", "/ns/", "/ns//x.S/Get", "x.S/Get", "/x.S/Get/", "/x.S%2fGet", "/ns/ns/../other/x.S/Get"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		namespace, procedure := ingress.CutNamespace(path)
		found, e, refused := v.Find(namespace, procedure)
		if refused != nil {
			if refused.Message == "" || len(refused.Message) > 2000 {
				t.Errorf("%q is refused with %d bytes", path, len(refused.Message))
			}
			return
		}
		if v.Namespaces[found].Entries[e.Procedure] != e || !strings.HasSuffix(path, e.Procedure) {
			t.Errorf("%q means %s in %s", path, e.Procedure, found)
		}
		if prefix := strings.TrimSuffix(path, e.Procedure); prefix != "" && prefix != "/ns/"+found {
			t.Errorf("%q is taken for %s in %s", path, e.Procedure, found)
		}
	})
}
