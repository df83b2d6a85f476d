package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/certs"
	"github.com/collectiverpc/collective/internal/pki"
)

// patience is far more than a change needs, on a machine that is busy.
const patience = 30 * time.Second

// told has what a source logs.
type told struct {
	slog.Handler
	messages chan string
}

func (l told) Enabled(context.Context, slog.Level) bool { return true }

func (l told) Handle(_ context.Context, r slog.Record) error {
	l.messages <- r.Message
	return nil
}

// rig is a source of collector a, whose files an authority writes, and a server that listens by it.
type rig struct {
	t         *testing.T
	authority *pki.Authority
	issued    *pki.Issued
	source    *certs.Source
	told      chan string
	address   string
}

func newRig(t *testing.T, check func(*x509.Certificate) error) *rig {
	t.Helper()
	r := &rig{t: t, told: make(chan string, 100)}
	var err error
	r.authority, err = pki.Init(t.TempDir(), "mesh.example", time.Now(), false)
	r.must(err)
	r.issued, err = r.authority.Issue(r.request(), false)
	r.must(err)
	r.source, err = certs.Follow(certs.Files{
		Cert: r.issued.Cert, Key: r.issued.Key, Authorities: filepath.Join(r.authority.Dir, "ca.crt"), Check: check,
	}, slog.New(told{messages: r.told}))
	r.must(err)
	t.Cleanup(r.source.Close)
	server := &http.Server{ReadHeaderTimeout: patience, TLSConfig: r.source.Listen(), Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for _, shown := range req.TLS.PeerCertificates {
			w.Header().Add("Serial", shown.SerialNumber.String())
		}
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	served := make(chan error, 1)
	go func() { served <- server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	r.address = listener.Addr().String()
	return r
}

func (r *rig) request() pki.Request {
	return pki.Request{Subject: pki.Subject{Kind: pki.Collector, ID: "a"}}
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// hears waits until the log says it.
func (r *rig) hears(part string) {
	r.t.Helper()
	late := time.After(patience)
	for {
		select {
		case message := <-r.told:
			if strings.Contains(message, part) {
				return
			}
		case <-late:
			r.t.Fatalf("the log did not say %q", part)
		}
	}
}

// asks makes a request on a connection of its own, and returns the serials of what server and client showed.
func (r *rig) asks(protocol string, config *tls.Config) (server, client string, err error) {
	r.t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(protocol == "HTTP/1.1")
	protocols.SetHTTP2(protocol == "HTTP/2.0")
	transport := &http.Transport{TLSClientConfig: config, Protocols: protocols, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "https://"+r.address, nil)
	r.must(err)
	res, err := transport.RoundTrip(req)
	if err != nil {
		return "", "", err
	}
	_ = res.Body.Close()
	if res.Proto != protocol {
		r.t.Errorf("it was %s, not %s", res.Proto, protocol)
	}
	return res.TLS.PeerCertificates[0].SerialNumber.String(), res.Header.Get("Serial"), nil
}

// Both ends of a handshake show the certificate that the files have now, over both versions of HTTP.
func TestBothEndsFollowTheFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 3 {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			want := r.issued.Certificate.SerialNumber.String()
			if server, client, err := r.asks(protocol, r.source.Dial()); server != want || client != want || err != nil {
				t.Fatalf("%s: shown %s and %s, %v; want %s", protocol, server, client, err, want)
			}
		}
		var err error
		r.issued, err = r.authority.Renew(r.issued.Subject, 0)
		r.must(err)
		r.hears("read again")
	}
}

// An authority that is replaced is believed at both ends, and the one before is not any more.
func TestAuthoritiesFollowTheFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	before := r.source.Dial()
	var err error
	r.authority, err = pki.Init(r.authority.Dir, "mesh.example", time.Now(), true)
	r.must(err)
	_, err = r.authority.Issue(r.request(), true)
	r.must(err)
	r.must(r.source.Reload())
	if _, _, err := r.asks("HTTP/1.1", r.source.Dial()); err != nil {
		t.Errorf("of the new authority: %v", err)
	}
	before.InsecureSkipVerify = true // the server judges here
	if _, _, err := r.asks("HTTP/1.1", before); err == nil {
		t.Error("a certificate of the authority before is still believed")
	}
	if _, _, err := r.asks("HTTP/1.1", &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: before.RootCAs}); err == nil {
		t.Error("the authority before vouches for the new certificate")
	}
}

// Files that cannot be used leave the old ones in force, say so in log and state until they are mended, and show no key.
func TestBrokenFilesChangeNothing(t *testing.T) {
	t.Parallel()
	errWrong := errors.New("it names another collector")
	r := newRig(t, func(leaf *x509.Certificate) error {
		if !strings.HasSuffix(leaf.URIs[0].Path, "/a") {
			return errWrong
		}
		return nil
	})
	want := r.issued.Certificate.SerialNumber.String()
	good := make(map[string][]byte)
	for _, path := range []string{r.issued.Cert, r.issued.Key} {
		text, err := os.ReadFile(path)
		r.must(err)
		good[path] = text
	}
	other, err := r.authority.Issue(pki.Request{Subject: pki.Subject{Kind: pki.Collector, ID: "b"}}, false)
	r.must(err)
	// Each case takes the files of the other away, in any order.
	another := func() {
		_, err := r.authority.Issue(pki.Request{Subject: other.Subject}, true)
		r.must(err)
	}
	for name, spoil := range map[string]func(){
		"half a certificate": func() { r.must(os.WriteFile(r.issued.Cert, good[r.issued.Cert][:100], 0o600)) },
		"no key":             func() { r.must(os.Remove(r.issued.Key)) },
		"the key of another": func() {
			another()
			r.must(os.Rename(other.Key, r.issued.Key))
		},
		"a certificate of another": func() {
			another()
			r.must(os.Rename(other.Cert, r.issued.Cert))
			r.must(os.Rename(other.Key, r.issued.Key))
		},
	} {
		spoil()
		r.hears("stay in force")
		state := r.source.State()
		if state.Failed == nil || strings.Contains(state.Failed.Error(), "PRIVATE") || !strings.Contains(r.source.String(), "not in force") {
			t.Errorf("%s: %v; %s", name, state.Failed, r.source)
		}
		if server, client, err := r.asks("HTTP/1.1", r.source.Dial()); server != want || client != want || err != nil {
			t.Errorf("%s: shown %s and %s, %v", name, server, client, err)
		}
		for path, text := range good {
			r.must(os.WriteFile(path, text, 0o600))
		}
		r.hears("read again")
		if state := r.source.State(); state.Failed != nil || state.Leaf == nil {
			t.Errorf("%s, mended: %v", name, state)
		}
	}
	if _, err := certs.Follow(certs.Files{Cert: other.Cert, Key: other.Key}, nil); err == nil {
		t.Error("files that are missing at the start are no error")
	}
	if _, err := certs.Follow(certs.Files{Cert: r.issued.Cert}, nil); err == nil {
		t.Error("a certificate without a key is no error")
	}
}
