package conn_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/store"
)

func ExampleNewFileStore() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file, err := store.Open(filepath.Join(dir, "collector-1.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	self := conn.Self{ID: "collector-1", Address: "127.0.0.1:50051", Namespaces: []string{"users"}, SessionID: "1"}
	connections, err := conn.NewManager(self, conn.WithStore(conn.NewFileStore(file)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer connections.Close()
	if err := connections.RecoverFromRestart(ctx); err != nil { // dials again what the last run had dialled
		fmt.Println(err)
		return
	}
	fmt.Println(len(connections.ListConnections()), "connections of earlier runs")
	// Output: 0 connections of earlier runs
}
