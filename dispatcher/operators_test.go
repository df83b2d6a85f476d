package dispatcher_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/mesh"
	"github.com/collectiverpc/collective/web"
)

// operated is a collector as a program of ten lines serves it, with its socket in a directory of the test.
type operated struct {
	*dispatcher.Dispatcher
	address, socket string
	said            *logged
	stop            func()
}

type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func operate(t *testing.T, at string, opts ...dispatcher.Option) *operated {
	t.Helper()
	dir, err := os.MkdirTemp("", "sock") // the path of a socket is short
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if at == "" {
		at = filepath.Join(dir, "a.sock")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o := &operated{address: listener.Addr().String(), socket: at, said: new(logged)}
	log := slog.New(slog.NewTextHandler(o.said, nil))
	o.Dispatcher, err = dispatcher.New("a", o.address, []string{"test"}, append(opts, dispatcher.WithLogger(log))...)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- o.ServeListener(ctx, listener, dispatcher.Serving{Socket: at, Grace: time.Second, Ready: func() { close(ready) }})
	}()
	o.stop = sync.OnceFunc(func() {
		cancel()
		must(t, <-ended)
	})
	t.Cleanup(o.stop)
	<-ready
	return o
}

// over is a client of the collector by its socket, or by its address.
func (o *operated) over(t *testing.T, socket bool, protocol ...connecthttp.Option) *connect.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(protocol == nil)
	protocols.SetUnencryptedHTTP2(protocol != nil)
	transport := &http.Transport{Protocols: protocols}
	if socket {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", o.socket)
		}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return connect.NewClient(connecthttp.NewTransport(&http.Client{Transport: transport}, "http://"+o.address, protocol...))
}

func rightsOf(who *meshv1.WhoAmIResponse) string {
	var allowed []string
	for _, right := range who.GetRights() {
		if right.GetAllowed() {
			allowed = append(allowed, right.GetAction())
		}
	}
	return strings.Join(allowed, " ")
}

const everything = "call describe observe serve register operate"

// The user of the process operates the collector by its socket, over HTTP/1.1 and HTTP/2, and nobody does by being on this machine.
func TestTheSocketIsForOperators(t *testing.T) {
	t.Parallel()
	o := operate(t, "")
	for name, protocol := range map[string][]connecthttp.Option{"Connect": nil, "gRPC": {connecthttp.WithGRPC()}} {
		who, err := meshv1connect.NewOperatorServiceClient(o.over(t, true, protocol...)).WhoAmI(t.Context(), &meshv1.WhoAmIRequest{})
		must(t, err)
		if who.GetKind() != "User" || !strings.HasPrefix(who.GetId(), "uid:") || who.GetNetwork() != "socket" || strings.ReplaceAll(rightsOf(who), " force", "") != everything {
			t.Errorf("%s by the socket: %v", name, who)
		}
		who, err = meshv1connect.NewOperatorServiceClient(o.over(t, false, protocol...)).WhoAmI(t.Context(), &meshv1.WhoAmIRequest{})
		must(t, err)
		if who.GetKind() != "Anonymous" || who.GetNetwork() != "loopback" || rightsOf(who) != "call describe" {
			t.Errorf("%s by the address: %v", name, who)
		}
	}
	_, err := meshv1connect.NewOperatorServiceClient(o.over(t, false)).CreateLogin(t.Context(), &meshv1.CreateLoginRequest{})
	if connect.CodeOf(err) != connect.CodePermissionDenied && connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("a login for anybody on this machine: %v", err)
	}
	o.stop()
	if left, _ := os.ReadDir(filepath.Dir(o.socket)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTheSocketTakesNoLinks(t *testing.T) {
	t.Parallel()
	o := operate(t, "")
	dialed, err := net.Dial("unix", o.socket)
	must(t, err)
	defer dialed.Close()
	_, err = fmt.Fprintf(dialed, "POST %s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: collective-link/2\r\n\r\n", carrier.UpgradePath)
	must(t, err)
	answer := make([]byte, 512)
	n, err := dialed.Read(answer)
	must(t, err)
	if !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 403") {
		t.Errorf("%s", answer[:n])
	}
}

// A socket that cannot be made is no reason not to start.
func TestWithoutASocketItStarts(t *testing.T) {
	t.Parallel()
	o := operate(t, filepath.Join(t.TempDir(), strings.Repeat("long", 30), "a.sock"))
	if !strings.Contains(o.said.String(), "there is no socket for operators") {
		t.Errorf("the log says %s", o.said)
	}
	if quiet := operate(t, dispatcher.NoSocket); strings.Contains(quiet.said.String(), "socket") {
		t.Errorf("turned off, the log says %s", quiet.said)
	}
}

// A browser logs in by the link, has the rights of whoever made it, and logs out.
func TestLogIn(t *testing.T) {
	t.Parallel()
	o := operate(t, "", dispatcher.WithConsole(web.Config{}))
	operator := meshv1connect.NewOperatorServiceClient(o.over(t, true))
	made, err := operator.CreateLogin(t.Context(), &meshv1.CreateLoginRequest{})
	must(t, err)
	looking, err := operator.CreateLogin(t.Context(), &meshv1.CreateLoginRequest{As: "observe"})
	must(t, err)
	for _, tt := range []struct{ token, kind, rights string }{
		{o.LoginToken(), "uid:", everything},
		{made.GetToken(), "uid:", everything},
		{looking.GetToken(), "observe:uid:", "call describe observe"},
	} {
		b := newBrowser(t, o)
		if status, at := b.open(tt.token); status != http.StatusSeeOther || !strings.HasPrefix(at, "./#session=") {
			t.Fatalf("%d to %q", status, at)
		}
		who := b.whoAmI()
		if !who.GetSession() || !strings.HasPrefix(who.GetId(), tt.kind) || who.GetNetwork() != "loopback" || strings.ReplaceAll(rightsOf(who), " force", "") != tt.rights {
			t.Errorf("%v, want %s of %s", who, tt.rights, tt.kind)
		}
		if status, _ := newBrowser(t, o).open(tt.token); status != http.StatusForbidden {
			t.Errorf("the same link again: %d", status)
		}
		b.logOut()
		if who := b.whoAmI(); who.GetSession() || who.GetKind() != "Anonymous" {
			t.Errorf("after it logged out: %v", who)
		}
	}
	list, err := operator.ListAudit(t.Context(), &meshv1.ListAuditRequest{})
	must(t, err)
	counts := map[string]int{}
	for _, e := range list.GetEvents() {
		if e.GetAction() == "login" || e.GetAction() == "logout" {
			counts[fmt.Sprint(e.GetAction(), e.GetAllowed())] += int(e.GetCount())
		}
	}
	if fmt.Sprint(counts) != "map[loginfalse:3 logintrue:3 logouttrue:3]" {
		t.Errorf("audit: %v", counts)
	}
	text, _ := json.Marshal(list)
	for _, secret := range []string{made.GetToken(), looking.GetToken()} {
		if strings.Contains(string(text)+o.said.String(), secret) {
			t.Error("a token is in the audit log, or in the log")
		}
	}
}

// testBrowser keeps cookies and the key, as a browser does with the console in it.
type testBrowser struct {
	t      *testing.T
	o      *operated
	cookie *http.Cookie
	key    string
}

func newBrowser(t *testing.T, o *operated) *testBrowser {
	t.Helper()
	return &testBrowser{t: t, o: o}
}

func (b *testBrowser) do(method, path string) *http.Response {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, "http://"+b.o.address+path, strings.NewReader("{}"))
	must(b.t, err)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPost {
		req.Header.Set("Origin", "http://"+b.o.address)
	}
	if b.cookie != nil {
		req.AddCookie(b.cookie)
		req.Header.Set(mesh.HeaderSession, b.key)
	}
	transport := new(http.Transport)
	b.t.Cleanup(transport.CloseIdleConnections)
	res, err := transport.RoundTrip(req)
	must(b.t, err)
	b.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (b *testBrowser) open(token string) (status int, location string) {
	b.t.Helper()
	res := b.do(http.MethodGet, "/console/?token="+token)
	location = res.Header.Get("Location")
	if cookies := res.Cookies(); len(cookies) == 1 {
		b.cookie = cookies[0]
		_, b.key, _ = strings.Cut(location, "#session=")
	}
	return res.StatusCode, location
}

func (b *testBrowser) whoAmI() *meshv1.WhoAmIResponse {
	b.t.Helper()
	res := b.do(http.MethodPost, meshv1connect.OperatorServiceWhoAmIProcedure)
	who := new(meshv1.WhoAmIResponse)
	text, err := io.ReadAll(res.Body)
	must(b.t, err)
	must(b.t, protojson.Unmarshal(text, who))
	return who
}

func (b *testBrowser) logOut() {
	b.t.Helper()
	if res := b.do(http.MethodPost, mesh.LogoutPath); res.StatusCode != http.StatusNoContent {
		b.t.Errorf("logging out: %d", res.StatusCode)
	}
}
