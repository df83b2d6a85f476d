package host_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/cmd/collector/internal/host"
	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPlaintextBeyondLoopbackIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		listen  string
		tls     bool
		allowed bool
		refused bool
	}{
		{listen: "127.0.0.1:0"},
		{listen: "127.8.8.8:0"},
		{listen: "[::1]:0"},
		{listen: "localhost:0"},
		{listen: ":0", refused: true},
		{listen: "0.0.0.0:0", refused: true},
		{listen: "[::]:0", refused: true},
		{listen: "192.0.2.1:0", refused: true},
		{listen: "localhost.example.com:0", refused: true}, // names may come to mean something else
		{listen: "0.0.0.0:0", tls: true},
		{listen: "0.0.0.0:0", allowed: true},
	} {
		config := host.Config{Listen: tt.listen, AllowPlaintext: tt.allowed}
		if tt.tls {
			config.ListenTLS = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		err := host.Check(config)
		if _, refused := host.IsRefused(err); refused != tt.refused || (err != nil) != tt.refused {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestEveryMistakeIsARefusal(t *testing.T) {
	t.Parallel()
	good := host.Config{
		ID: "a", Listen: "127.0.0.1:0", Store: host.InMemory, Logger: slog.New(slog.DiscardHandler), Grace: time.Second,
	}
	for name, spoil := range map[string]func(*host.Config){
		"id":        func(c *host.Config) { c.ID = "A!" },
		"namespace": func(c *host.Config) { c.Namespaces = []string{"Or ders"} },
		"reserved":  func(c *host.Config) { c.Namespaces = []string{"system"} },
		"origins":   func(c *host.Config) { c.CORSOrigins = []string{"*"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := good
			spoil(&config)
			err := host.Run(t.Context(), config, func(host.Ready) { t.Error("it runs") })
			if _, ok := host.IsRefused(err); !ok {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRunTellsWhereAndStops(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	config := host.Config{
		ID: "a", Listen: "127.0.0.1:0", Store: filepath.Join(t.TempDir(), "a.db"), Namespaces: []string{"b", "a"},
		Examples: []string{"users"}, Logger: slog.New(slog.DiscardHandler), Grace: time.Second,
		Limits: dispatcher.Limits{Streams: 300},
	}
	var ready host.Ready
	err := host.Run(ctx, config, func(r host.Ready) { ready = r; stop() })
	if err != nil {
		t.Fatal(err)
	}
	if ready.ID != "a" || ready.URL != "http://"+ready.Address || strings.Join(ready.Namespaces, ",") != "a,b,users" ||
		ready.Limits["message"] == "" || ready.Limits["http2 streams"] != "300" || strings.HasSuffix(ready.Address, ":0") {
		t.Errorf("%+v", ready)
	}
}

func TestStoreThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	config := host.Config{ID: "a", Listen: "127.0.0.1:0", Store: filepath.Join(t.TempDir(), "no", "a.db"), Logger: slog.New(slog.DiscardHandler)}
	if err := host.Run(t.Context(), config, func(host.Ready) { t.Error("it runs") }); err == nil {
		t.Error("no error")
	}
}

// reluctant answers a few errors before it connects.
type reluctant struct {
	errors []error
	dials  []time.Time
}

func (r *reluctant) ConnectTo(context.Context, string, []string) (*collector.ConnectResponse, error) {
	r.dials = append(r.dials, time.Now())
	if n := len(r.dials); n <= len(r.errors) {
		return nil, r.errors[n-1]
	}
	return &collector.ConnectResponse{Status: &collector.Status{Code: 200}, TargetCollectorId: "b"}, nil
}

func TestJoinTriesUntilTheOtherIsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused, odd := errors.New("refused"), errors.New("odd")
		r := &reluctant{errors: []error{refused, refused, refused, odd, refused, refused, refused, refused, refused}}
		var log bytes.Buffer
		host.Join(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), r, "b:1")
		if len(r.dials) != 10 {
			t.Errorf("%d dials", len(r.dials))
		}
		for i := 1; i < len(r.dials); i++ {
			if wait := r.dials[i].Sub(r.dials[i-1]); wait < 125*time.Millisecond || wait > 15*time.Second {
				t.Errorf("waited %v before dial %d", wait, i+1)
			}
		}
		if said := strings.Count(log.String(), "cannot join yet"); said != 3 {
			t.Errorf("said %d times that it cannot join, want one for each change of the reason:\n%s", said, &log)
		}
		if !strings.Contains(log.String(), "joined") {
			t.Errorf("did not say that it joined:\n%s", &log)
		}
	})
}

func TestJoinEndsWithTheCollector(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := &reluctant{errors: make([]error, 1000)}
		for i := range r.errors {
			r.errors[i] = errors.New("refused")
		}
		host.Join(ctx, slog.New(slog.DiscardHandler), r, "b:1")
		if ctx.Err() == nil || len(r.dials) > 20 {
			t.Errorf("%v after %d dials", ctx.Err(), len(r.dials))
		}
	})
}
