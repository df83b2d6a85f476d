package conn_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/gen/collector"
)

func ExampleOpenStore() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := conn.OpenStore(ctx, filepath.Join(dir, "collector-1.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	self := conn.Self{ID: "collector-1", Address: "127.0.0.1:50051", Namespaces: []string{"users"}, SessionID: "1"}
	connections, err := conn.NewManager(self, conn.WithStore(store))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer connections.CloseAll()
	if err := connections.RecoverFromRestart(ctx); err != nil { // dials again what the last run had dialled
		fmt.Println(err)
		return
	}
	fmt.Println(len(connections.ListConnections()), "connections of earlier runs")
	// Output: 0 connections of earlier runs
}

func TestOpenStore_KeepsRecordsAndRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.db")
	for range 2 {
		store, err := conn.OpenStore(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Put(t.Context(), &collector.Connection{Id: "c-1"}); err != nil {
			t.Error(err)
		}
		records, err := store.List(t.Context())
		if err != nil || len(records) != 1 {
			t.Errorf("List = %v, %v", records, err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	other := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(other, []byte("not a database, and long enough to be taken for one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.OpenStore(t.Context(), other); err == nil {
		t.Error("a text file was opened as a store")
	}
}
