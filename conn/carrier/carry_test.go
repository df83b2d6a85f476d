package carrier_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
)

// h2cServer serves HTTP/2 without TLS, and a client that speaks nothing else.
func h2cServer(t *testing.T, handler http.Handler) (*http.Client, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: server.Config.Protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, server.URL
}

// TestCarriedStream wants back what it has sent, of whatever size.
func TestCarriedStream(t *testing.T) {
	t.Parallel()
	client, url := h2cServer(t, carrier.Handler(func(context.Context) (func(io.ReadWriteCloser), error) {
		return func(stream io.ReadWriteCloser) {
			if !carrier.Carried(stream) {
				t.Error("the accepted stream does not know what carries it")
			}
			_, _ = io.Copy(stream, stream)
			_ = stream.Close()
		}, nil
	}))
	stream, err := carrier.DialCarry(t.Context(), client, url)
	if err != nil {
		t.Fatal(err)
	}
	if !carrier.Carried(stream) {
		t.Error("the dialled stream does not know what carries it")
	}
	wantEchoed(t, stream)
}

// TestCarryRefused dials what has no carrier, a carrier that refuses, and nobody.
func TestCarryRefused(t *testing.T) {
	t.Parallel()
	t.Run("no such RPC", func(t *testing.T) {
		t.Parallel()
		client, url := h2cServer(t, http.NotFoundHandler())
		if _, err := carrier.DialCarry(t.Context(), client, url); !errors.Is(err, carrier.ErrRefused) {
			t.Errorf("DialCarry = %v", err)
		}
	})
	t.Run("not this caller", func(t *testing.T) {
		t.Parallel()
		client, url := h2cServer(t, carrier.Handler(func(context.Context) (func(io.ReadWriteCloser), error) {
			return nil, connect.NewError(connect.CodePermissionDenied, "not you")
		}))
		_, err := carrier.DialCarry(t.Context(), client, url)
		verdict, ok := errors.AsType[*connect.Error](err)
		if !ok || !verdict.IsRemote() || !strings.Contains(err.Error(), "permission_denied: not you") || errors.Is(err, carrier.ErrRefused) {
			t.Errorf("DialCarry = %v", err)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		client, url := h2cServer(t, http.NotFoundHandler())
		if _, err := carrier.DialCarry(t.Context(), client, strings.TrimSuffix(url, "0123456789")+"0"); err == nil || errors.Is(err, carrier.ErrRefused) {
			t.Errorf("DialCarry = %v", err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		client, url := h2cServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		if _, err := carrier.DialCarry(t.Context(), client, url); err == nil || !strings.Contains(err.Error(), "no answer within 2s") {
			t.Errorf("DialCarry = %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := carrier.DialCarry(ctx, client, url); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("DialCarry with a short deadline = %v", err)
		}
	})
}
