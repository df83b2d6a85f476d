package dispatcher_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
)

// tellAuthorization has a collector serve /S/M, and tells the Authorization of the calls.
func tellAuthorization(t *testing.T, n node) <-chan string {
	t.Helper()
	seen := make(chan string, 1)
	if err := n.RegisterService("test", "S", "M", func(ctx context.Context, _ any) (any, error) {
		info, _ := connect.CallInfoForServerContext(ctx)
		seen <- info.RequestHeader().Get("Authorization")
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestNative_AuthorizationStaysWithUnknownPeers(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]dispatcher.Option{"": nil, "Bearer t": {dispatcher.WithForwardedAuthorization()}} {
		log := new(lockedBuffer)
		opts = append(opts, dispatcher.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
		a, b := serve(t, "a", []string{"test"}, opts...), serve(t, "b", []string{"test"})
		seen := tellAuthorization(t, b)
		join(t, b, a) // b dialled: a has only b's word for who it is
		a.knows(t, "test", "/S/M")
		for range 3 {
			post(t, "http://"+a.Address+"/S/M", `{}`, "Authorization", "Bearer t")
			if got := <-seen; got != name {
				t.Errorf("authorization %q, want %q", got, name)
			}
		}
		said := strings.Count(log.String(), "the authorization header of calls does not go to a peer")
		if want := map[string]int{"": 1}[name]; said != want || want > 0 && !strings.Contains(log.String(), "has not proved who it is") {
			t.Errorf("the log says %d times that it is withheld, want %d:\n%s", said, want, log)
		}
	}
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
