package meshtest_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/internal/meshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCollectors(t *testing.T) {
	t.Parallel()
	a, b := meshtest.Serve(t, "a", []string{"test"}), meshtest.Serve(t, "b", []string{"test"})
	if err := b.RegisterService("test", "S", "M", func(_ context.Context, in any) (any, error) { return in, nil }); err != nil {
		t.Fatal(err)
	}
	if err := meshtest.Join(t.Context(), a.Dispatcher, b.Address, "test", "/S/M"); err != nil {
		t.Fatal(err)
	}
	if peers := a.Connections().Table().Serving("test", "/S/M"); len(peers) != 1 || peers[0].ID != "b" {
		t.Errorf("/S/M is served by %v", peers)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := meshtest.AwaitServed(ctx, a.Dispatcher, "test", "/S/Missing"); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for what nobody serves ends with %v", err)
	}
	if err := meshtest.Connect(t.Context(), a.Dispatcher, meshtest.FreeAddress(t)); err == nil {
		t.Error("connected to nobody")
	}
	if err := b.Stop(); err != nil { // and once more when the test ends
		t.Error(err)
	}
	gone := func() bool { return len(a.Connections().Table().Serving("test", "/S/M")) == 0 }
	if err := meshtest.Await(t.Context(), a.Dispatcher, "the end of b", gone); err != nil {
		t.Error(err)
	}
}
