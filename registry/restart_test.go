package registry_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/registry"
	"github.com/collectiverpc/collective/store"
)

func TestRestartKeepsWhatWasRegistered(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	db := openDB(t, path)
	r := newRegistry(t, registry.WithStore(db))
	registerService(t, r, "n", usersFile(comment("hello", 4, 0)))
	registerService(t, r, "n", protoFile("orders", "orders", imports("users/users.proto", "google/protobuf/timestamp.proto"),
		typed("Order", "users.User"), typed("When", "google.protobuf.Timestamp"), service("OrderService", "orders.Order", "Get")))
	registerService(t, r, "other", usersFile())
	before := snapshot(t, r)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	again := newRegistry(t, registry.WithStore(openDB(t, path)))
	if diff := cmp.Diff(before, snapshot(t, again), protocmp.Transform()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	if revision(t, again) <= revision(t, r) {
		t.Errorf("revision went from %d to %d", revision(t, r), revision(t, again))
	}
}

func snapshot(t *testing.T, r *registry.Registry) (all []*collector.LookupServiceResponse) {
	t.Helper()
	list, err := r.ListServices(t.Context(), &collector.ListServicesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range list.GetServices() {
		all = append(all, lookup(t, r, service.GetNamespace(), service.GetServiceName()))
	}
	return all
}

func TestRestartWithTenThousandServices(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	fill(t, path, 50, 4, 50)
	start := time.Now()
	r := newRegistry(t, registry.WithStore(openDB(t, path)))
	t.Logf("restart took %v", time.Since(start)) // BenchmarkRestart judges: this machine may be busy
	if got := len(listAll(t, r, "", 0)); got != 10_000 {
		t.Errorf("%d services", got)
	}
	if err := r.ValidateServiceMethod(t.Context(), "n49", "pkg3.Service49", "Method4"); err != nil {
		t.Error(err)
	}
}

// fill makes a database with that many services in each file and files in each namespace. Only the first namespace is
// registered; the others are copied, as if the same had been registered there.
func fill(t testing.TB, path string, namespaces, files, services int) {
	t.Helper()
	db := openDB(t, path)
	r := newRegistry(t, registry.WithStore(db))
	for f := range files {
		registerMany(t, r, "n0", fmt.Sprintf("pkg%d", f), services)
	}
	for n := range namespaces - 1 {
		execute(t, db, fmt.Sprintf(`
			INSERT INTO registry_file SELECT 'n%[1]d', path, descriptor, checksum, created_at, updated_at
			FROM registry_file WHERE namespace = 'n0';
			INSERT INTO registry_service SELECT 'n%[1]d', name, path, created_at, updated_at
			FROM registry_service WHERE namespace = 'n0';`, n+1))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRestart loads 10 000 services from 1000 files.
func BenchmarkRestart(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.db")
	fill(b, path, 10, 100, 10)
	for b.Loop() {
		db := openDB(b, path)
		newRegistry(b, registry.WithStore(db))
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRestartRefusesDamage(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{
		"UPDATE registry_file SET descriptor = x'00'",
		"UPDATE registry_file SET checksum = 0",
		"UPDATE registry_file SET path = 'other.proto' WHERE path = 'orders/orders.proto'",
		"DELETE FROM registry_file WHERE path = 'orders/orders.proto'",
		"UPDATE registry_service SET name = 'orders.Other' WHERE name = 'orders.OrderService'",
	} {
		db := tempDB(t)
		r := newRegistry(t, registry.WithStore(db))
		registerProto(t, r, "n", usersFile())
		registerService(t, r, "n", protoFile("orders", "orders", imports("users/users.proto"),
			typed("Order", "users.User"), service("OrderService", "orders.Order", "Get")))
		execute(t, db, damage)
		if _, err := registry.New(t.Context(), registry.WithStore(db)); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: New = %v", damage, err)
		}
	}
}

// execute changes the file behind the registry's back.
func execute(t testing.TB, db *store.Store, statements string) {
	t.Helper()
	file, err := sql.Open("sqlite3", db.Path()) // without foreign keys
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

func TestRegistrationWithoutSpaceIsRefused(t *testing.T) {
	t.Parallel()
	db := tempDB(t)
	r := newRegistry(t, registry.WithStore(db))
	setMaxPages(t, db, "10")
	_, err := r.RegisterService(t.Context(), serviceRequest("n", usersFile(message("Big", numbered("field", 2000)...))))
	checkError(t, err, connect.CodeUnavailable, nil, "could not be stored")
	if r.ValidateServiceMethod(t.Context(), "n", "UserService", "GetUser") == nil {
		t.Error("what was not stored is there")
	}
	setMaxPages(t, db, "10000")
	registerService(t, r, "n", usersFile())
}

func setMaxPages(t *testing.T, db *store.Store, pages string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "PRAGMA max_page_count = "+pages)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
