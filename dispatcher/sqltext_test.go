package dispatcher_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/registry"
	"github.com/collectiverpc/collective/store"
)

// sqlTexts are names that would do something if a statement were put together from them.
var sqlTexts = []string{
	`'; DROP TABLE connection; --`, `'); DELETE FROM audit; DROP TABLE dispatch; --`, `" OR "1"="1`, `x' || (SELECT sql FROM sqlite_master) || '`,
	`''''`, `%`, `_`, `\'; DROP TABLE registry_file`, "a\x00'; DROP TABLE audit; --", `?1`, `:name`, `/* */ DROP TABLE known_key`, `../../etc/passwd`,
	strings.Repeat(`'; DROP TABLE dispatch; --`, 40),
}

// tables are the statements that made a file, and what SQLite thinks of it.
func tables(t *testing.T, file *store.Store) (statements []string) {
	t.Helper()
	rows, err := file.Reader().QueryContext(t.Context(), `SELECT coalesce(sql, name) FROM sqlite_master UNION ALL SELECT integrity_check FROM pragma_integrity_check`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var statement string
		must(t, rows.Scan(&statement))
		statements = append(statements, statement)
	}
	must(t, rows.Err())
	slices.Sort(statements)
	return statements
}

func count(t *testing.T, file *store.Store, query string, args ...any) (n int) {
	t.Helper()
	must(t, file.Reader().QueryRowContext(t.Context(), query, args...).Scan(&n))
	return n
}

// Ids, namespaces, services, methods, principals, filters, and descriptors with whatever is in them are data: no text is run, and the
// file is as it was made.
func TestSQLText_IsData(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	file, err := store.Open(path)
	must(t, err)
	made := tables(t, file)
	schemas, err := registry.New(t.Context(), registry.WithStore(file))
	must(t, err)
	// Anonymous callers may do everything here. Who has a name is denied, so that it is audited.
	a, err := meshtest.Start("a", []string{"test"}, nil, dispatcher.WithStore(file), dispatcher.WithStoredHistory(10_000, time.Hour), dispatcher.WithRegistry(schemas),
		meshtest.Policy(t, `permit (principal is Anonymous, action, resource);`, access.WithAuthenticator(names{})))
	must(t, err)
	for _, text := range sqlTexts {
		send := func(path string, body proto.Message, header ...string) {
			encoded, err := protojson.Marshal(body)
			must(t, err)
			if res, answer := post(t, "http://"+a.Address+path, string(encoded), header...); res.StatusCode >= http.StatusInternalServerError && res.StatusCode != http.StatusNotImplemented {
				t.Errorf("%.60q at %s: %d %s", text, path, res.StatusCode, answer)
			}
		}
		nothing := new(meshv1.GetStatusRequest)
		send("/ns/"+url.PathEscape(text)+"/S/M", nothing)
		send("/"+url.PathEscape(text)+"/"+url.PathEscape(text), nothing)
		send(collectorconnect.CollectiveDispatcherDispatchProcedure, &collector.DispatchRequest{
			Namespace: text, Service: ref(text), MethodName: text, TargetCollectorId: text, RoutingHints: map[string]string{text: text},
		})
		send(collectorconnect.CollectiveDispatcherServeProcedure, &collector.ServeRequest{Namespace: "test", Service: ref(text), MethodName: text})
		send(collectorconnect.CollectiveDispatcherConnectProcedure, &collector.ConnectRequest{
			Address: text, Namespaces: []string{"test", text}, Metadata: map[string]string{"collector_id": text, "session_id": text},
		})
		described := &descriptorpb.FileDescriptorProto{
			Name: proto.String(text), Syntax: proto.String("proto3"), Package: proto.String("sql"),
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("In"), Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("text"), Number: proto.Int32(1), JsonName: proto.String(text), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}}}},
			Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("M"), InputType: proto.String(".sql.In"), OutputType: proto.String(".sql.In"),
			}}}},
			SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{{Path: []int32{6, 0}, Span: []int32{1, 0, 1}, LeadingComments: proto.String(text)}}},
		}
		for _, namespace := range []string{"test", text} {
			send(collectorconnect.CollectorRegistryRegisterProtoProcedure, &collector.RegisterProtoRequest{Namespace: namespace, FileDescriptor: described, Force: true})
		}
		send(collectorconnect.CollectorRegistryLookupServiceProcedure, &collector.LookupServiceRequest{Namespace: text, ServiceName: text})
		send("/collector.mesh.v1.MeshService/ListDispatches", &meshv1.ListDispatchesRequest{
			Filter: &meshv1.DispatchFilter{Namespace: text, Procedure: text, CollectorId: text, Codes: []string{text}, Principal: text}, PageToken: text,
		})
		if !strings.ContainsAny(text, "\x00") { // which no header has
			send("/S/M", nothing, "Authorization", "Bearer "+text[:min(len(text), 200)])
		}
	}
	if found, answer := post(t, "http://"+a.Address+"/collector.mesh.v1.MeshService/ListDispatches", `{"filter":{"procedure":"%"}}`); found.StatusCode != http.StatusOK ||
		strings.Contains(answer, `"/S/M"`) {
		t.Errorf("a filter by %% finds all: %d %.300s", found.StatusCode, answer)
	}
	must(t, a.Stop())
	must(t, file.Close())

	file, err = store.Open(path)
	must(t, err)
	defer file.Close()
	if now := tables(t, file); !slices.Equal(now, made) || !slices.Contains(now, "ok") {
		t.Errorf("the file is not as it was made:\n%q\n%q", made, now)
	}
	for query, least := range map[string]int{
		`SELECT count(*) FROM dispatch WHERE procedure LIKE '%DROP TABLE%'`: 5,
		`SELECT count(*) FROM audit WHERE principal LIKE '%DROP TABLE%'`:    3,
		`SELECT count(*) FROM audit`:                                        len(sqlTexts) - 2,
	} {
		if n := count(t, file, query); n < least {
			t.Errorf("%s: %d, want %d at least", query, n, least)
		}
	}
	if _, err := registry.New(t.Context(), registry.WithStore(file)); err != nil {
		t.Errorf("the registry does not open: %v", err)
	}
}
