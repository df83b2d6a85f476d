package dispatcher_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
)

// mostWait is how long a new client may wait, whoever is stuck.
const mostWait = time.Second

// Connections that are stuck, as many as there may be and all from one address, keep no new client waiting, nor a new
// collector.
func TestLockout(t *testing.T) {
	t.Parallel()
	var longest time.Duration
	for name, stuck := range map[string]func(t *testing.T, address string) net.Conn{
		"silent": func(t *testing.T, address string) net.Conn { return newWire(t, address, nil) },
		"head": func(t *testing.T, address string) net.Conn {
			w := newWire(t, address, nil)
			w.say(t, "POST / HTTP/1.1\r\n")
			return w
		},
		"body": func(t *testing.T, address string) net.Conn {
			w := newWire(t, address, nil)
			w.begin(t, testingv1connect.EchoServiceEchoProcedure, "application/json", "Content-Length: 100")
			return w
		},
		"HTTP/2": func(t *testing.T, address string) net.Conn { return newFrames(t, address, nil) },
		"HTTP/2 body": func(t *testing.T, address string) net.Conn {
			f := newFrames(t, address, nil)
			f.open(t, 1, 0, echoPath, "application/json")
			return f
		},
		"idle": func(t *testing.T, address string) net.Conn {
			w := newWire(t, address, nil)
			w.begin(t, "/", "application/json", "Content-Length: 2")
			w.say(t, "{}")
			_, _, err := w.answer()
			must(t, err)
			return w
		},
	} {
		a := serve(t, "a", []string{"test"})
		a.hostEcho(t, "test")
		for range 512 {
			_ = stuck(t, a.Address)
		}
		if name == "body" || name == "HTTP/2 body" {
			<-time.After(250 * time.Millisecond) // until they have waited for long enough to be stuck
		}
		for range 5 {
			begin := time.Now()
			w := newWire(t, a.Address, nil)
			w.begin(t, echoPath, "application/json", "Content-Length: 2")
			w.say(t, "{}")
			res, body, err := w.answer()
			took := time.Since(begin)
			if longest = max(longest, took); err != nil || res.StatusCode != http.StatusOK || took > mostWait {
				t.Errorf("%s: a new client is answered %q, %v, after %v", name, body, err, took)
			}
		}
		begin := time.Now()
		join(t, serve(t, "b", []string{"test"}), a)
		if took := time.Since(begin); took > 2*mostWait {
			t.Errorf("%s: a new collector is connected after %v", name, took)
		}
	}
	t.Logf("ATTACK lockout_wait %.3f s", longest.Seconds())
}

// When all connections are busy, new clients are told so at once, and collectors still link.
func TestLockout_Busy(t *testing.T) {
	t.Parallel()
	a, b := serve(t, "a", []string{"test"}), serve(t, "b", []string{"test"})
	a.hostEcho(t, "test")
	var all sync.WaitGroup
	for range 512 {
		all.Go(func() {
			f := newFrames(t, a.Address, nil) // streams both ways, that are quiet
			f.open(t, 1, 0, testingv1connect.EchoServiceConverseProcedure, "application/grpc")
			_, err := f.Write(frameOf(frameData, 0, 1, []byte("\x00\x00\x00\x00\x00")))
			must(t, err)
			_, err = io.ReadFull(f, make([]byte, 100)) // the first answer
			must(t, err)
		})
	}
	all.Wait()
	begin := time.Now()
	w := newWire(t, a.Address, nil)
	w.begin(t, echoPath, "application/json", "Content-Length: 2")
	w.say(t, "{}")
	res, body, err := w.answer()
	if took := time.Since(begin); err != nil || res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "512 connections") || took > mostWait {
		t.Errorf("a new client is answered %v %q, %v, after %v", res, body, err, took)
	}
	if err == nil && res.Header.Get("Retry-After") != "1" {
		t.Errorf("the refusal has the headers %v", res.Header)
	}
	join(t, b, a)
}

// Whoever is stuck at one address takes nothing from another; a link takes no place.
func TestLockout_ManyLinks(t *testing.T) {
	t.Parallel()
	a := serve(t, "a", []string{"test"}, limitConnections(4)) // four places
	for i := range 8 {
		b := serve(t, fmt.Sprintf("b%d", i), []string{"test"})
		join(t, b, a)
	}
	w := newWire(t, a.Address, nil)
	w.begin(t, "/", "application/json", "Content-Length: 2")
	w.say(t, "{}")
	if res, body, err := w.answer(); err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("a client beside eight links is answered %q, %v", body, err)
	}
}

func limitConnections(n int) dispatcher.Option {
	return dispatcher.WithLimits(dispatcher.Limits{Connections: n})
}
