package dispatcher_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/apikey"
	"github.com/collectiverpc/collective/access/authn/token"
	"github.com/collectiverpc/collective/certs"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
	"github.com/collectiverpc/collective/internal/pki"
)

// followed is a program of ten lines: a collector whose policies, keys, certificates and secrets are in files that a test changes.
type followed struct {
	t       *testing.T
	dir     string
	address string
	status  func() *meshv1.GetStatusResponse
	logged  chan string // the messages of its log
}

func (f *followed) path(name string) string { return filepath.Join(f.dir, name) }

func (f *followed) must(err error) {
	f.t.Helper()
	must(f.t, err)
}

// heard lets a test hear the log.
type heard struct {
	slog.Handler
	messages chan string
}

func (heard) Enabled(context.Context, slog.Level) bool { return true }

func (h heard) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h heard) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelDebug || strings.Contains(r.Message, "call") { // of which a test that asks for the status makes many
		return nil
	}
	select {
	case h.messages <- r.Message:
	default: // nobody waits for it
	}
	return nil
}

// follow runs the program until the test ends.
func follow(t *testing.T) *followed {
	t.Helper()
	f := &followed{t: t, dir: t.TempDir(), logged: make(chan string, 10_000)}
	f.write()
	log := slog.New(heard{messages: f.logged})
	keys, err := apikey.Open(f.path("keys"))
	f.must(err)
	tokens, err := token.New([]token.Issuer{{URL: "https://login.example", Audiences: []string{"mesh"}, KeysFile: f.path("jwks")}}, token.WithLogger(log))
	f.must(err)
	guard, err := access.New(access.WithPolicyFile(f.path("policy")), access.WithAuthenticator(keys, tokens), access.WithLogger(log))
	f.must(err)
	source, err := certs.Follow(certs.Files{Cert: f.path("cert"), Key: f.path("key")}, log)
	f.must(err)
	address := meshtest.FreeAddress(t)
	f.address = address
	d, err := dispatcher.New("a", address, []string{"test"}, dispatcher.WithAccess(guard), dispatcher.WithLogger(log),
		dispatcher.WithCertificates(source), dispatcher.WithMeshSecretFile(f.path("secret")))
	f.must(err)
	f.status = func() *meshv1.GetStatusResponse {
		res, err := node{&meshtest.Collector{Dispatcher: d, Address: address}}.status(t).GetStatus(t.Context(), &meshv1.GetStatusRequest{})
		f.must(err)
		return res
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.ListenAndServe(ctx, address, nil, time.Second) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
		source.Close()
		must(t, tokens.Close())
		must(t, guard.Close())
	})
	f.hears("listening")
	return f
}

// write fills the directory as the kubelet does: each name is a link into ..data, which is a link to a directory.
func (f *followed) write() {
	f.must(os.Mkdir(f.path("..1"), 0o700))
	f.must(os.Symlink("..1", f.path("..data")))
	authority, err := pki.Init(f.t.TempDir(), "mesh.example", time.Now(), false)
	f.must(err)
	issued, err := authority.Issue(pki.Request{Subject: pki.Subject{Kind: pki.Collector, ID: "a"}}, false)
	f.must(err)
	f.must(conn.NewMeshSecretFile(f.path("..1/secret")))
	_, err = apikey.Add(f.path("..1/keys"), apikey.Record{Name: "ci", Kind: access.KindService})
	f.must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	f.must(err)
	jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "ES256"}}})
	f.must(err)
	f.must(os.WriteFile(f.path("..1/jwks"), jwks, 0o600))
	f.must(os.WriteFile(f.path("..1/policy"), []byte(`permit (principal, action, resource);`), 0o600))
	f.must(os.Rename(issued.Cert, f.path("..1/cert")))
	f.must(os.Rename(issued.Key, f.path("..1/key")))
	for _, name := range []string{"secret", "keys", "jwks", "policy", "cert", "key"} {
		f.must(os.Symlink("..data/"+name, f.path(name)))
	}
}

// hears waits until the log has a message.
func (f *followed) hears(part string) {
	f.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case message := <-f.logged:
			if strings.Contains(message, part) {
				return
			}
		case <-late:
			f.t.Fatalf("the log did not say %q", part)
		}
	}
}

// turns waits until status warns in all words, or does not: the log is told a moment before.
func (f *followed) turns(warned bool, what string, words ...string) {
	f.t.Helper()
	for late := time.Now().Add(30 * time.Second); f.warned(words...) != warned; {
		if time.Now().After(late) {
			f.t.Fatalf("%s: status warns %q", what, f.status().GetWarnings())
		}
	}
}

// warned reports whether a warning of status has all words.
func (f *followed) warned(words ...string) bool {
	return slices.ContainsFunc(f.status().GetWarnings(), func(warning string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(warning, word) })
	})
}

// What is read from files holds as long as the collector runs: the one that is replaced by a usable one is in force; after one that
// is not the old one stays, the log and the status say so, and status no more when it is mended.
func TestFollowed_FilesOfALibrary(t *testing.T) {
	t.Parallel()
	f := follow(t)
	if warnings := f.status().GetWarnings(); len(warnings) != 0 {
		t.Fatalf("it begins with %q", warnings)
	}
	for _, file := range []struct {
		name, refused, mended string
		words                 []string
		emptyWill             bool // an empty one is a usable one
	}{
		{"policy", "policy file refused", "policies loaded", []string{"policy", "policy check", "in force"}, false},
		{"keys", "cannot be read again", "policies loaded", []string{"API keys", "in force"}, true},
		{"jwks", "cannot be read again", "policies loaded", []string{"login.example", "in force"}, false},
		{"cert", "cannot be used as they are now", "were read again", []string{"certificate", "in force"}, false},
		{"secret", "of before stay in force", "can be read again", []string{"mesh secret", "in force"}, false},
	} {
		good, err := os.ReadFile(f.path(file.name))
		must(t, err)
		at := f.path("..data/" + file.name)
		renamed := func(text string) {
			must(t, os.WriteFile(at+".new", []byte(text), 0o600))
			must(t, os.Rename(at+".new", at))
		}
		ways := map[string]func(){
			"deleted":      func() { must(t, os.Remove(at)) },
			"broken":       func() { renamed("permit (\x00") },
			"a directory":  func() { must(t, os.Remove(at)); must(t, os.Mkdir(at, 0o700)) }, // which root cannot read either
			"a dead link":  func() { must(t, os.Remove(f.path("..data"))); must(t, os.Symlink("..gone", f.path("..data"))) },
			"empty":        func() { renamed("") },
			"half written": func() { must(t, os.WriteFile(at, good[:len(good)/2], 0o600)) },
		}
		if file.emptyWill {
			delete(ways, "empty")
		}
		for way, do := range ways {
			do()
			f.hears(file.refused)
			f.turns(true, way, file.words...)
			f.mend(file.name, good)
			f.hears(file.mended)
			f.turns(false, way+", mended", file.words...)
		}
	}
	f.swap()
}

// mend puts a file back as it was, by a rename.
func (f *followed) mend(name string, good []byte) {
	f.must(os.RemoveAll(f.path("..1/" + name)))
	f.must(os.WriteFile(f.path("..1/"+name+".new"), good, 0o600))
	f.must(os.Rename(f.path("..1/"+name+".new"), f.path("..1/"+name)))
	f.must(os.Symlink("..1", f.path("..next")))
	f.must(os.Rename(f.path("..next"), f.path("..data")))
}

// swap has another policy in force as Kubernetes does it.
func (f *followed) swap() {
	f.must(os.CopyFS(f.path("..2"), os.DirFS(f.path("..1"))))
	f.must(os.Chmod(f.path("..2/secret"), 0o600))
	f.must(os.WriteFile(f.path("..2/policy"), []byte(`permit (principal, action == Action::"call", resource);`), 0o600))
	f.must(os.Symlink("..2", f.path("..next")))
	f.must(os.Rename(f.path("..next"), f.path("..data")))
	for late := time.Now().Add(30 * time.Second); f.answer() != http.StatusForbidden && f.answer() != http.StatusUnauthorized; {
		if time.Now().After(late) {
			f.t.Fatal("the policy of ..2 is not in force")
		}
	}
}

// answer is what somebody gets who asks for the status.
func (f *followed) answer() int {
	res, err := http.Post("http://"+f.address+"/collector.mesh.v1.MeshService/GetStatus", "application/json", strings.NewReader("{}"))
	f.must(err)
	f.must(res.Body.Close())
	return res.StatusCode
}
