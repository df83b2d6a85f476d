package dispatcher

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/internal/schema"
)

type fileProto = descriptorpb.FileDescriptorProto

// liar is a collector that tells its peers of files which it did not register.
type liar struct {
	d       *Dispatcher
	address string
}

// served starts a collector on loopback.
func served(t *testing.T, id string, opts ...Option) liar {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	address := server.Listener.Addr().String()
	d, err := New(id, address, []string{"test"}, append(opts, WithLogger(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		t.Fatal(err)
	}
	server.Config = d.Server(d.Handler(), nil)
	server.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := d.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return liar{d, address}
}

// tell announces a method and files to peers. The bytes of a file may be anything; a nil hash stands for the true one.
func (l liar) tell(revision uint64, files map[string][]byte, order ...string) {
	catalog := &meshv1.Catalog{Revision: revision, Methods: []*meshv1.CatalogMethod{{
		Namespace: "test", Procedure: "/x.S/Do", InputType: "x.In", OutputType: "x.Out", Fingerprint: 7,
	}}}
	own := &hosted.Files{ByHash: make(map[string]*hosted.File)}
	told := &meshv1.CatalogSchema{Namespace: "test"}
	for _, hash := range order {
		own.ByHash[hash] = &hosted.File{Encoded: files[hash], Hash: hash}
		told.FileHashes = append(told.FileHashes, []byte(hash))
	}
	catalog.Schemas = []*meshv1.CatalogSchema{told}
	snapshot := hosted.NewSnapshot(revision, map[string]map[string]*hosted.Method{})
	snapshot.Files = own
	l.d.registrar.methods.Current.Store(snapshot)
	l.d.conns.Announce(catalog)
}

// trueHashes puts files under their true hashes.
func trueHashes(encoded ...[]byte) (files map[string][]byte, order []string) {
	files = make(map[string][]byte)
	for _, data := range encoded {
		sum := sha256.Sum256(data)
		files[string(sum[:])] = data
		order = append(order, string(sum[:]))
	}
	return files, order
}

func encodedFile(t *testing.T, edit func(*fileProto)) []byte {
	t.Helper()
	file := &fileProto{Name: proto.String("x.proto"), Package: proto.String("x"), Syntax: proto.String("proto3")}
	edit(file)
	data, err := proto.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Whatever a peer sends for a schema, it costs a refusal: calls go on, little is allocated, the reason can be read, and a
// file that has nothing to do with it is shown.
func TestHostileSchemasAreRefused(t *testing.T) {
	nested := func(depth int) func(*fileProto) {
		return func(file *fileProto) {
			m := &descriptorpb.DescriptorProto{Name: proto.String("M")}
			for range depth {
				m = &descriptorpb.DescriptorProto{Name: proto.String("M"), NestedType: []*descriptorpb.DescriptorProto{m}}
			}
			file.MessageType = append(file.MessageType, m)
		}
	}
	many := func(n int) func(*fileProto) {
		return func(file *fileProto) {
			m := &descriptorpb.DescriptorProto{Name: proto.String("M")}
			for range n {
				m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{Name: proto.String("f")})
			}
			file.MessageType = append(file.MessageType, m)
		}
	}
	imports := func(path string) func(*fileProto) {
		return func(file *fileProto) { file.Dependency = []string{path} }
	}
	tests := []struct {
		name  string
		files [][]byte
		forge bool // announce another hash
		text  string
	}{
		{"no descriptor", [][]byte{{0xff, 0xff, 0xff}}, false, "no FileDescriptorProto"},
		{"nothing", [][]byte{{}}, false, "file path"},
		{"another file than announced", [][]byte{encodedFile(t, func(*fileProto) {})}, true, "as announced"},
		{"a file that is too large", [][]byte{bytes.Repeat([]byte{0x0a, 0x00}, 1200<<10)}, false, "at most 2097152"},
		{"a file that is far too large", [][]byte{bytes.Repeat([]byte{0x0a, 0x00}, 6<<20)}, false, "at most 10485760"},
		{"deep nesting", [][]byte{encodedFile(t, nested(90))}, false, "nested deeper than 32"},
		{"nesting that exhausts a stack", [][]byte{encodedFile(t, nested(5000))}, false, "no FileDescriptorProto"},
		{"10^5 fields", [][]byte{bytes.Repeat(encodedFile(t, many(100)), 1000)}, false, "more than 50000"},
		{"10^6 fields", [][]byte{bytes.Repeat([]byte{0x22, 0x00}, 1<<20-100)}, false, "more than 50000"},
		{"imports itself", [][]byte{encodedFile(t, imports("x.proto"))}, false, "import cycle"},
		{"missing import", [][]byte{encodedFile(t, imports("y.proto"))}, false, "y.proto"},
		{"invalid UTF-8", [][]byte{encodedFile(t, func(f *fileProto) { f.Package = proto.String("x\xff") })}, false, "is not a name"},
		{"protobuf's own package", [][]byte{encodedFile(t, func(f *fileProto) { f.Package = proto.String("google.protobuf") })}, false, "belongs to protobuf"},
		{"too many files", manyFiles(t, descriptor.Files), false, "1001 files"},
		{"too many bytes", largeFiles(t, 40), false, "there is room for"},
	}
	a, evil := served(t, "a"), served(t, "evil")
	if res, err := a.d.ConnectTo(t.Context(), evil.address, nil); err != nil || res.GetStatus().GetCode() != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			good := encodedFile(t, func(f *fileProto) { f.Name = proto.String("good.proto") })
			files, order := trueHashes(append([][]byte{good}, tt.files...)...)
			if tt.forge {
				forged := strings.Repeat("h", sha256.Size)
				files[forged], order = tt.files[0], []string{order[0], forged}
			}
			before := totalAlloc()
			evil.tell(uint64(100+i), files, order...)
			err := a.refusalOf(t, "evil", order)
			if !errors.Is(err, peerschema.ErrRefused) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("refused with %v, want %s", err, tt.text)
			}
			if len(err.Error()) > 20_000 {
				t.Errorf("the refusal has %d bytes", len(err.Error()))
			}
			// Both ends are in this process, and a frame is copied on its way.
			if allocated := totalAlloc() - before; allocated > 64<<20 {
				t.Errorf("%d MiB allocated", allocated>>20)
			}
			known := a.d.schemas.Known()
			if _, shown := known.Of("evil", "test").Set.Files["good.proto"]; !shown {
				t.Error("the other file is not shown")
			}
			if got := bytesOf(known); got > 4<<20 {
				t.Errorf("%d bytes are kept", got)
			}
			if warnings := strings.Join(a.d.own.mesh.Topology().GetStatus().GetWarnings(), "\n"); !strings.Contains(warnings, "the schemas of evil in namespace test are not shown") {
				t.Errorf("warnings: %s", warnings)
			}
		})
	}
}

// refusalOf waits until the schemas that a peer announced with these hashes have been refused, and returns why.
func (l liar) refusalOf(t *testing.T, peer string, order []string) error {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for {
		known := l.d.schemas.Known()
		if p := known.Of(peer, "test"); p != nil && len(p.Hashes) == len(order) && slices.EqualFunc(p.Hashes, order, func(a []byte, b string) bool { return string(a) == b }) {
			if p.Err == nil {
				t.Fatal("accepted")
			}
			return p.Err
		}
		select {
		case <-known.Replaced:
		case <-deadline.C:
			t.Fatal("nothing was decided")
		}
	}
}

// bytesOf is what the schemas of all peers take. What peers share counts once.
func bytesOf(known *peerschema.Known) (bytes int) {
	seen := make(map[*peerschema.Schema]bool)
	for _, p := range known.All() {
		if !seen[p] {
			seen[p] = true
			bytes += p.Set.Bytes
		}
	}
	return bytes
}

func manyFiles(t *testing.T, n int) [][]byte {
	t.Helper()
	var files [][]byte
	for i := range n {
		files = append(files, encodedFile(t, func(f *fileProto) { f.Name = proto.String(fmt.Sprintf("f%d.proto", i)) }))
	}
	return files
}

// largeFiles are files of 200 KiB, all of it the default of a field.
func largeFiles(t *testing.T, n int) [][]byte {
	t.Helper()
	var files [][]byte
	for i := range n {
		files = append(files, encodedFile(t, func(f *fileProto) {
			f.Name = proto.String(fmt.Sprintf("f%d.proto", i))
			largeDefault(f, i, 200<<10)
		}))
	}
	return files
}

// largeDefault declares a message of so many bytes.
func largeDefault(f *fileProto, i, size int) {
	f.Syntax = proto.String("proto2")
	f.MessageType = append(f.MessageType, &descriptorpb.DescriptorProto{
		Name: proto.String(fmt.Sprintf("M%d", i)),
		Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("text"), Number: proto.Int32(1), DefaultValue: proto.String(strings.Repeat("x", size)),
			Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}},
	})
}

func totalAlloc() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// What all peers take is bounded: schemas beyond it are refused, and those that are kept stay.
func TestSchemasOfAllPeersAreBounded(t *testing.T) {
	a := served(t, "a", WithLimits(Limits{SchemaBytes: 1 << 20}))
	for i := range 12 {
		peer := served(t, fmt.Sprintf("peer-%d", i))
		if res, err := a.d.ConnectTo(t.Context(), peer.address, nil); err != nil || res.GetStatus().GetCode() != 200 {
			t.Fatalf("%v, %v", res, err)
		}
		files, order := trueHashes(encodedFile(t, func(f *fileProto) {
			f.Name = proto.String(fmt.Sprintf("f%d.proto", i))
			largeDefault(f, i, 100<<10)
		}))
		peer.tell(1, files, order...)
	}
	decided := func(known *peerschema.Known) int { return len(maps.Collect(known.All())) }
	for known := a.d.schemas.Known(); decided(known) < 12; known = a.d.schemas.Known() {
		<-known.Replaced
	}
	if got := bytesOf(a.d.schemas.Known()); got > 1<<20 || got < 900<<10 {
		t.Errorf("%d bytes are kept", got)
	}
}

// mute never answers who asks for its files.
func mute(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		if spec.Procedure == meshv1connect.SchemaServiceGetFilesProcedure {
			<-ctx.Done()
			return ctx.Err()
		}
		return next(ctx, spec, stream)
	}
}

// Peers that never answer when they are asked for their files keep nobody else's from being known.
func TestMutePeersDelayNobody(t *testing.T) {
	t.Parallel()
	a := served(t, "a")
	link := func(peer liar, edit func(*fileProto)) {
		t.Helper()
		files, order := trueHashes(encodedFile(t, edit))
		peer.tell(1, files, order...)
		if res, err := a.d.ConnectTo(t.Context(), peer.address, nil); err != nil || res.GetStatus().GetCode() != 200 {
			t.Fatalf("%v, %v", res, err)
		}
	}
	for i := range 12 {
		silent := served(t, fmt.Sprintf("mute-%d", i), WithServerInterceptors(mute))
		link(silent, func(f *fileProto) { f.Name = proto.String(fmt.Sprintf("mute%d.proto", i)) })
	}
	good := served(t, "good")
	start := time.Now()
	link(good, func(*fileProto) {})
	for known := a.d.schemas.Known(); known.Of("good", "test") == nil; known = a.d.schemas.Known() {
		<-known.Replaced
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("12 mute peers delay the schemas of another one by %v", took)
	}
}

// A peer that names the files of another one and does not have them hides nobody's but its own.
func TestNamingForeignFilesHidesNone(t *testing.T) {
	t.Parallel()
	a, thief, owner := served(t, "a"), served(t, "thief"), served(t, "owner")
	files, order := trueHashes(encodedFile(t, func(*fileProto) {}))
	thief.tell(1, map[string][]byte{order[0]: []byte("it has nothing but the hash")}, order...)
	owner.tell(1, files, order...)
	for _, peer := range []liar{thief, owner} {
		if res, err := a.d.ConnectTo(t.Context(), peer.address, nil); err != nil || res.GetStatus().GetCode() != 200 {
			t.Fatalf("%v, %v", res, err)
		}
		for known := a.d.schemas.Known(); len(maps.Collect(known.All())) == 0; known = a.d.schemas.Known() {
			<-known.Replaced
		}
	}
	for known := a.d.schemas.Known(); known.Of("owner", "test") == nil; known = a.d.schemas.Known() {
		<-known.Replaced
	}
	if known := a.d.schemas.Known().Of("owner", "test"); known.Err != nil {
		t.Errorf("the files of the owner are refused: %v", known.Err)
	}
}

// Two peers with the same files: they are sent once.
func TestSchemasArePulledOncePerContent(t *testing.T) {
	t.Parallel()
	a, b, c := served(t, "a"), served(t, "b"), served(t, "c")
	files, order := trueHashes(encodedFile(t, func(*fileProto) {}))
	b.tell(1, files, order...)
	for _, peer := range []liar{b, c} {
		if res, err := a.d.ConnectTo(t.Context(), peer.address, nil); err != nil || res.GetStatus().GetCode() != 200 {
			t.Fatalf("%v, %v", res, err)
		}
	}
	for known := a.d.schemas.Known(); known.Of("b", "test") == nil; known = a.d.schemas.Known() {
		<-known.Replaced
	}
	c.tell(1, map[string][]byte{order[0]: []byte("c has nothing but the hash")}, order...)
	for known := a.d.schemas.Known(); known.Of("c", "test") == nil; known = a.d.schemas.Known() {
		<-known.Replaced
	}
	if known := a.d.schemas.Known(); known.Of("c", "test") != known.Of("b", "test") {
		t.Errorf("c was asked for what b had sent: %v", known.Of("c", "test").Err)
	}
}

// A call of a client costs a look-up, whether its schema is the peer's or a compatible one.
func TestCallerSkewDoesNotAllocate(t *testing.T) { // AllocsPerRun forbids parallel tests
	serve := collector.File_collector_dispatcher_proto.Services().ByName("CollectiveDispatcher").Methods().ByName("Serve")
	catalog, err := conn.NewCatalog(&meshv1.Catalog{Methods: []*meshv1.CatalogMethod{{
		Namespace: "ns", Procedure: "/collector.CollectiveDispatcher/Serve", Fingerprint: schema.Fingerprint(serve),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	v := routing.Join(routing.Inputs{
		Self: "a", Namespaces: []string{"ns"}, Local: hosted.NewSnapshot(1, nil),
		Peers: []*routing.Peer{{ID: "b", Shared: []string{"ns"}, Routable: true, Catalog: catalog}},
	})
	d := routing.Route(v, routing.Call{Namespace: "ns", Procedure: "/collector.CollectiveDispatcher/Serve"}, routing.Balance{})
	e := d.Entry
	callers, spec := new(peerschema.Callers), hosted.SpecOf(serve)
	ask := func() {
		if found := callers.Skew(nil, e, &d, "ns", spec); found.Breaks {
			t.Error(found)
		}
	}
	ask()
	if n := testing.AllocsPerRun(100, ask); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
