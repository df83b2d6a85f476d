package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/registry"
	"github.com/collectiverpc/collective/store"
)

// One file for all that a collector keeps.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file, err := store.Open(filepath.Join(dir, "orders.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close() // last: after everything that uses it

	schemas, err := registry.New(context.Background(), registry.WithStore(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := dispatcher.New("orders", "", []string{"shop"}, dispatcher.WithStore(file), dispatcher.WithRegistry(schemas))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Shutdown(context.Background())

	_, err = dispatcher.New("stock", "", []string{"shop"}, dispatcher.WithStore(file))
	fmt.Println("a second collector:", errors.Is(err, store.ErrOwned))
	_, err = store.Open(file.Path())
	fmt.Println("opened again:", errors.Is(err, store.ErrOwned))
	// Output:
	// a second collector: true
	// opened again: true
}
