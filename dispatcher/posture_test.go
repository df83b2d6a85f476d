package dispatcher_test

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// change gives a number of limits another value.
func change(limit reflect.Value) { limit.SetInt(limit.Int() + 3<<20) }

// unserved is a collector without a listener.
func unserved(t *testing.T, opts ...dispatcher.Option) *dispatcher.Dispatcher {
	t.Helper()
	d, err := dispatcher.New("a", "", []string{"test"}, opts...)
	must(t, err)
	t.Cleanup(func() { must(t, d.Shutdown(context.Background())) })
	return d
}

// Every limit that can be set is told: one that is set differently reads differently.
func TestPosture_HasEveryLimit(t *testing.T) {
	t.Parallel()
	usual := unserved(t).Posture().Limits
	differs := func(name string, d *dispatcher.Dispatcher) {
		if maps.Equal(d.Posture().Limits, usual) {
			t.Errorf("%s is in force and not told", name)
		}
	}
	for field := range reflect.TypeFor[dispatcher.Limits]().Fields() {
		if field.Name == "Link" {
			continue
		}
		limits := usualLimits(t)
		change(reflect.ValueOf(&limits).Elem().FieldByIndex(field.Index))
		differs(field.Name, unserved(t, dispatcher.WithLimits(limits)))
	}
	for field := range reflect.TypeFor[link.Limits]().Fields() {
		limits := usualLimits(t)
		change(reflect.ValueOf(&limits.Link).Elem().FieldByIndex(field.Index))
		differs("Link."+field.Name, unserved(t, dispatcher.WithLimits(limits)))
	}
	for field := range reflect.TypeFor[conn.Limits]().Fields() {
		var limits conn.Limits
		change(reflect.ValueOf(&limits).Elem().FieldByIndex(field.Index))
		differs("conn."+field.Name, unserved(t, dispatcher.WithConn(conn.WithLimits(limits))))
	}
}

func usualLimits(t *testing.T) dispatcher.Limits {
	t.Helper()
	return unserved(t).Limits()
}

// The status has what the start has, of links and of callers too.
func TestPosture_IsInTheStatus(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"})
	posture := a.Posture()
	got, err := a.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(posture, dispatcher.Posture{Limits: got.GetLimits(), Links: got.GetLinks(), Callers: got.GetCallers()}); diff != "" {
		t.Error(diff)
	}
	if lines := strings.Join(posture.Callers, "\n"); !strings.Contains(lines, "unix socket: ") || !strings.Contains(lines, "policy: ") {
		t.Errorf("callers:\n%s", lines)
	}
}

// A program of ten lines says once what bounds it and how it knows who comes; one that says it itself does not.
func TestListenAndServe_TellsItsPosture(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ready func()
		told  int
	}{"by default": {nil, 1}, "the program does": {func() {}, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(lockedBuffer)
			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			must(t, err)
			d, err := dispatcher.New("a", "", []string{"test"}, dispatcher.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
			must(t, err)
			ctx, stop := context.WithCancel(t.Context())
			stop() // it starts, and stops
			must(t, d.ServeListener(ctx, listener, dispatcher.Serving{Ready: tt.ready, Grace: time.Second, Socket: dispatcher.NoSocket}))
			for _, part := range []string{"links come from this machine only", "policy: default", `limits.message="4 MiB"`, `limits.links=512`} {
				if n := strings.Count(log.String(), part); n != tt.told {
					t.Errorf("%q is told %d times, want %d\n%s", part, n, tt.told, log)
				}
			}
		})
	}
}
