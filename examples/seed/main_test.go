package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	goleak.VerifyTestMain(m)
}

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// shared namespaces: [orders]
	// 200 "User from collector-1", handled by collector-1, route [collector-1]
	// 200 "Order created on collector-2", handled by collector-2, route [collector-1 collector-2]
}
