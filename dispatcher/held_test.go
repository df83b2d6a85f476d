package dispatcher_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// What all requests together hold has one bound: what is beyond is refused at once, and taken again when there is room.
func TestHeldBytes(t *testing.T) {
	t.Parallel()
	const held = 8 << 20
	a := serve(t, "a", []string{"test"}, dispatcher.WithLimits(dispatcher.Limits{HeldBytes: held}))
	a.hostEcho(t, "test")
	large := strings.Repeat("x", 1<<20)
	holders := make([]*wire, 8)
	for i := range holders { // each holds a MiB of a message of two
		holders[i] = newWire(t, a.Address, nil)
		holders[i].begin(t, echoPath, "application/proto", "Content-Length: 2097152")
		holders[i].say(t, large)
	}
	call := func() error {
		_, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{Text: large})
		return err
	}
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	err := call()
	for begin := time.Now(); err == nil && time.Since(begin) < patience; err = call() { // until all of it has been read
		<-ticks.C
	}
	if connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), "memory") {
		t.Errorf("a call beyond what may be held: %v", err)
	}
	if failed, ok := errors.AsType[*connect.Error](err); !ok || len(failed.Details()) != 1 || failed.Details()[0].Type != "google.rpc.RetryInfo" {
		t.Errorf("the refusal does not say when to try again: %v", err)
	}
	if _, err := a.client(t).Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
		t.Errorf("a small call beside what is held: %v", err)
	}
	for _, f := range holders {
		must(t, f.Close())
	}
	begin := time.Now()
	for err = call(); err != nil && time.Since(begin) < patience; err = call() {
		<-ticks.C
	}
	if err != nil {
		t.Errorf("a call when nothing is held any more: %v", err)
	}
}
