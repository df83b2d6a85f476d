package dispatcher_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/gen/collector/testing/v1/testingv1connect"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// wire is a client that writes HTTP/1.1 by hand, so that it decides when each byte leaves.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func newWire(t *testing.T, address string, tlsConfig *tls.Config) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	if tlsConfig != nil {
		secured := tls.Client(conn, tlsConfig)
		must(t, secured.Handshake())
		conn = secured
	}
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { _ = conn.Close() })
	return &wire{conn, bufio.NewReader(conn)}
}

func (w *wire) begin(t *testing.T, procedure, contentType, framing string) {
	t.Helper()
	w.say(t, "POST "+procedure+" HTTP/1.1\r\nHost: a\r\nContent-Type: "+contentType+"\r\n"+framing+"\r\n\r\n")
}

func (w *wire) say(t *testing.T, text string) {
	t.Helper()
	_, err := io.WriteString(w, text)
	must(t, err)
}

// chunk is a message in an envelope of Connect, as a chunk of a body.
func chunk(t *testing.T, msg proto.Message) string {
	t.Helper()
	data, err := proto.Marshal(msg)
	must(t, err)
	envelope := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(data))), data...)
	return fmt.Sprintf("%x\r\n%s\r\n", len(envelope), envelope)
}

// answer reads one answer to its end.
func (w *wire) answer() (res *http.Response, body string, err error) {
	res, err = http.ReadResponse(w.in, nil)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

const lastChunk = "0\r\n\r\n"

// A handler on another collector answers before its client has sent all. Over HTTP/1.1 the answer arrives whole, whatever
// the client sends meanwhile, and a later call on the connection, if that is kept, is not taken for one whose client is
// gone.
func TestEarlyAnswer_OverHTTP1(t *testing.T) {
	t.Parallel()
	authority := meshtest.NewAuthority(t)
	secured := authority.TLS(authority.Of(t, "a"))
	clientSide := &tls.Config{RootCAs: authority.Pool, ServerName: "127.0.0.1"}
	b := serve(t, "b", []string{"test"})
	b.hostEcho(t, "test")
	for name, side := range map[string]struct{ server, client *tls.Config }{
		"plaintext": {}, "TLS": {secured, clientSide},
	} {
		started, err := meshtest.Start("a-"+name, []string{"test"}, side.server)
		must(t, err)
		t.Cleanup(func() { must(t, started.Stop()) })
		a := node{started}
		join(t, a, b)
		a.knows(t, "test", testingv1connect.EchoServiceCollectProcedure)
		dial := func(t *testing.T) *wire { return newWire(t, a.Address, side.client) }
		t.Run(name, func(t *testing.T) {
			t.Run("it ends at that moment", func(t *testing.T) { endsAtThatMoment(t, dial) })
			t.Run("it goes on", func(t *testing.T) { goesOn(t, dial) })
		})
	}
}

// endsAtThatMoment ends the request a little later each time, so that in some rounds it ends as the answer does.
func endsAtThatMoment(t *testing.T, dial func(*testing.T) *wire) {
	negative := chunk(t, &testingv1.CollectRequest{Number: -1})
	for round := range 200 {
		w := dial(t)
		w.begin(t, testingv1connect.EchoServiceCollectProcedure, "application/connect+proto", "Transfer-Encoding: chunked")
		w.say(t, negative)
		for begin := time.Now(); time.Since(begin) < time.Duration(round)*5*time.Microsecond; {
			runtime.Gosched()
		}
		w.say(t, lastChunk)
		res, body, err := w.answer()
		if err != nil || !strings.Contains(body, `"out_of_range"`) {
			t.Fatalf("round %d: the answer is %q, %v", round, body, err)
		}
		if !res.Close {
			w.begin(t, testingv1connect.EchoServiceEchoProcedure, "application/json", "Content-Length: 2")
			w.say(t, "{}")
			if res, body, err := w.answer(); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("round %d: the next call on the connection is answered %q, %v", round, body, err)
			}
		}
		_ = w.Close()
	}
}

// goesOn sends for a while, whatever was answered, and only then reads.
func goesOn(t *testing.T, dial func(*testing.T) *wire) {
	negative, more := chunk(t, &testingv1.CollectRequest{Number: -1}), chunk(t, &testingv1.CollectRequest{Number: 1})
	w := dial(t)
	w.begin(t, testingv1connect.EchoServiceCollectProcedure, "application/connect+proto", "Transfer-Encoding: chunked")
	w.say(t, negative)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); time.Since(begin) < 100*time.Millisecond; <-tick.C {
		w.say(t, more)
	}
	if _, body, err := w.answer(); err != nil || !strings.Contains(body, `"out_of_range"`) {
		t.Errorf("the answer is %q, %v", body, err)
	}
}
