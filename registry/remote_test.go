package registry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/registry"
)

// fakeRegistry answers ValidateMethod from a registry in memory, counts the questions, and fails on demand.
type fakeRegistry struct {
	collectorconnect.CollectorRegistryClient
	registry *registry.Registry
	asked    atomic.Int64
	fail     atomic.Pointer[error]
}

func (f *fakeRegistry) ValidateMethod(ctx context.Context, req *collector.ValidateMethodRequest) (*collector.ValidateMethodResponse, error) {
	f.asked.Add(1)
	if err := f.fail.Load(); err != nil {
		if errors.Is(*err, errHangs) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, *err
	}
	return f.registry.ValidateMethod(ctx, req)
}

var errHangs = errors.New("hangs")

func (f *fakeRegistry) failWith(err error) { f.fail.Store(&err) }

func newFake(t *testing.T) *fakeRegistry {
	t.Helper()
	return &fakeRegistry{registry: twoNames(t)}
}

func TestRemoteSaysWhatTheRegistrySays(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	remote := registry.NewGRPCRegistryValidator(fake)
	for _, c := range []struct{ namespace, service, method, input string }{
		{"one", "UserService", "GetUser", "users.User"},
		{"one", "UserService", "GetUser", "users.Other"},
		{"one", "UserService", "Nope", "users.User"},
		{"one", "Other", "GetUser", "users.User"},
		{"both", "UserService", "GetUser", "users.User"},
		{"two", "UserService", "GetUser", "users.User"},
		{"N", "UserService", "GetUser", "users.User"},
		{"", "", "", ""},
	} {
		for range 2 { // asked, then from the cache
			same(t, remote.ValidateServiceMethod(t.Context(), c.namespace, c.service, c.method),
				fake.registry.ValidateServiceMethod(t.Context(), c.namespace, c.service, c.method))
			same(t, remote.ValidateInput(t.Context(), c.namespace, c.service, c.method, c.input),
				fake.registry.ValidateInput(t.Context(), c.namespace, c.service, c.method, c.input))
		}
	}
	if asked := fake.asked.Load(); asked != 7 {
		t.Errorf("%d questions for 7 methods", asked)
	}
}

// same wants two errors to mean the same to a caller.
func same(t *testing.T, got, want error) {
	t.Helper()
	if (got == nil) != (want == nil) || want != nil && (connect.CodeOf(got) != connect.CodeOf(want) || got.Error() != want.Error()) {
		t.Errorf("remote says %v, the registry %v", got, want)
	}
	for _, kind := range []error{registry.ErrNotRegistered, registry.ErrAmbiguous, registry.ErrWrongInput} {
		if connect.CodeOf(want) != connect.CodeInvalidArgument && errors.Is(got, kind) != errors.Is(want, kind) {
			t.Errorf("remote's %v and the registry's %v are not both %v", got, want, kind)
		}
	}
}

func TestRemoteCacheExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFake(t)
		remote := registry.NewGRPCRegistryValidator(fake, registry.WithCacheTTL(5*time.Second))
		ask := func(method string) { _ = remote.ValidateServiceMethod(t.Context(), "one", "UserService", method) }
		for _, step := range []struct {
			wait   time.Duration
			method string
			asked  int64
		}{
			{0, "GetUser", 1}, {5*time.Second - 1, "GetUser", 1}, {1, "GetUser", 2},
			{0, "Nope", 3}, {time.Second - 1, "Nope", 3}, {1, "Nope", 4}, // a refusal is believed for a second
			{0, "GetUser", 4},
		} {
			time.Sleep(step.wait) // fake time
			ask(step.method)
			if asked := fake.asked.Load(); asked != step.asked {
				t.Errorf("%+v: %d questions", step, asked)
			}
		}
	})
}

func TestRemoteCacheFollowsTheRevision(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	remote := registry.NewGRPCRegistryValidator(fake, registry.WithCacheTTL(time.Hour))
	valid := func(service, method string) bool {
		return remote.ValidateServiceMethod(t.Context(), "one", service, method) == nil
	}
	if !valid("UserService", "GetUser") {
		t.Fatal("not valid")
	}
	// The short name becomes ambiguous; the validator learns it with the next answer about anything.
	registerService(t, fake.registry, "one", protoFile("admin", "users", message("User"), service("UserService", "admin.User", "Ban")))
	if !valid("admin.UserService", "Ban") || valid("UserService", "GetUser") {
		t.Error("an answer of an old revision outlived one of a new revision")
	}
}

func TestRemoteFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
	}{
		{"unreachable", connect.NewError(connect.CodeUnavailable, "connection refused")},
		{"no registry there", connect.NewError(connect.CodeUnimplemented, "unknown procedure")},
		{"not allowed", connect.NewError(connect.CodePermissionDenied, "no")},
		{"hangs", errHangs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFake(t)
				closed := registry.NewGRPCRegistryValidator(fake)
				open := registry.NewGRPCRegistryValidator(fake, registry.WithFailOpen())
				if err := closed.ValidateServiceMethod(t.Context(), "one", "UserService", "GetUser"); err != nil {
					t.Fatal(err)
				}
				fake.failWith(tt.err)
				if err := closed.ValidateServiceMethod(t.Context(), "one", "UserService", "GetUser"); err != nil {
					t.Errorf("a fresh answer does not count: %v", err)
				}
				time.Sleep(time.Minute) // fake time
				start := time.Now()
				checkError(t, closed.ValidateServiceMethod(t.Context(), "one", "UserService", "GetUser"), connect.CodeUnavailable, nil, "cannot be asked")
				checkError(t, closed.ValidateInput(t.Context(), "one", "UserService", "GetUser", "x"), connect.CodeUnavailable, nil, "cannot be asked")
				if took := time.Since(start); took > 4*time.Second {
					t.Errorf("two calls waited %v", took)
				}
				if err := open.ValidateServiceMethod(t.Context(), "one", "UserService", "Nope"); err != nil {
					t.Errorf("fails open, and yet: %v", err)
				}
				if err := open.ValidateInput(t.Context(), "one", "UserService", "GetUser", "x"); err != nil {
					t.Errorf("fails open, and yet: %v", err)
				}
			})
		})
	}
}

func TestRemoteCallerGivesUp(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.failWith(errHangs)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, opts := range [][]registry.RemoteOption{nil, {registry.WithFailOpen()}} {
		err := registry.NewGRPCRegistryValidator(fake, opts...).ValidateServiceMethod(ctx, "one", "UserService", "GetUser")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want context.Canceled", err)
		}
	}
}

func TestRemoteLogsAnOutageOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		fake := newFake(t)
		remote := registry.NewGRPCRegistryValidator(fake, registry.WithCacheTTL(0),
			registry.WithRemoteLogger(slog.New(slog.NewTextHandler(&log, nil))))
		ask := func() {
			_ = remote.ValidateServiceMethod(t.Context(), "one", "UserService", "GetUser")
			time.Sleep(2 * time.Second) // fake time
		}
		fake.failWith(errors.New("down"))
		for range 3 {
			ask()
		}
		fake.fail.Store(nil)
		for range 3 {
			ask()
		}
		if got := log.String(); strings.Count(got, "cannot be asked") != 1 || strings.Count(got, "answers again") != 1 {
			t.Errorf("log is\n%s", got)
		}
	})
}

// A registry that hangs holds up one call a second, not every one.
func TestRemoteIsLeftAloneWhileItIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFake(t)
		fake.failWith(errHangs)
		remote := registry.NewGRPCRegistryValidator(fake, registry.WithAskTimeout(500*time.Millisecond))
		ask := func() (time.Duration, error) {
			start := time.Now()
			err := remote.ValidateServiceMethod(t.Context(), "one", "UserService", "GetUser")
			return time.Since(start), err
		}
		for i := range 10 {
			took, err := ask()
			checkError(t, err, connect.CodeUnavailable, nil, "cannot be asked")
			if waits := i == 0; (took > 0) != waits {
				t.Errorf("call %d took %v", i, took)
			}
		}
		fake.fail.Store(nil)
		time.Sleep(time.Second) // fake time
		if _, err := ask(); err != nil {
			t.Errorf("it answers, and yet: %v", err)
		}
		if asked := fake.asked.Load(); asked != 2 {
			t.Errorf("%d questions", asked)
		}
	})
}

func TestRemoteConcurrently(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	remote := registry.NewGRPCRegistryValidator(fake)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				err := remote.ValidateServiceMethod(t.Context(), "one", "UserService", fmt.Sprintf("Nope%d", (worker+i)%50))
				if connect.CodeOf(err) != connect.CodeNotFound {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
