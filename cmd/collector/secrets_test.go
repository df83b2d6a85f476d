package main_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// vault has secrets of every kind that there is, and what a collector said and kept while they were used.
type vault struct {
	mesh
	dir     string
	secrets map[string]string // by what they are
	said    map[string][]byte // by who said it
	flags   []string          // of serve
	token   string
	key     string
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{mesh: newMesh(t, "a", "b"), dir: t.TempDir(), secrets: make(map[string]string), said: make(map[string][]byte)}
	for _, id := range []string{"a", "b"} {
		v.keep(t, "private key of "+id, filepath.Join(v.mesh.dir, "collectors", id+".key"))
	}
	v.keep(t, "private key of the authority", filepath.Join(v.mesh.dir, "authority", "ca.key"))
	v.flags = []string{"--pki", v.mesh.dir, "--listen", "127.0.0.1:0", "--history", "1000", "--log-level", "debug"}
	v.makeKey(t)
	v.makeToken(t)
	v.makeMeshSecret(t)
	return v
}

// keep remembers what must stay in a PEM file: the key itself, not what every file of its kind begins with.
func (v *vault) keep(t *testing.T, what, file string) {
	t.Helper()
	block, _ := pem.Decode([]byte(readFile(t, file)))
	if block == nil {
		t.Fatalf("%s is no PEM file", file)
	}
	lines := strings.Fields(strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Bytes: block.Bytes})), "-----", "\n"))
	v.secrets[what] = lines[len(lines)/2]
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*ecdsa.PrivateKey); ok {
		scalar, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		v.secrets[what+", its bytes"] = string(scalar)
	} else if err != nil {
		t.Fatal(err)
	}
}

func (v *vault) makeKey(t *testing.T) {
	t.Helper()
	file, out := filepath.Join(v.dir, "api-keys"), filepath.Join(v.dir, "ci.key")
	collector(t, "keys", "add", "ci", "--service", "--file", file, "--out", out).expect(t, 0, "", "")
	v.key = strings.TrimSpace(readFile(t, out))
	v.secrets["API key"] = v.key
	v.flags = append(v.flags, "--api-keys", file)
}

func (v *vault) makeToken(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v.token, err = jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: "https://login.example", Subject: "alice", Audience: jwt.Audience{"mesh"}, Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	v.secrets["token"] = v.token
	v.secrets["signature of the token"] = v.token[strings.LastIndex(v.token, ".")+1:]
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "1", Algorithm: "ES256"}}})
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, filepath.Join(v.dir, "jwks.json"), keys)
	v.flags = append(v.flags, "--oidc-issuer", "https://login.example", "--oidc-audience", "mesh", "--oidc-jwks", file)
}

func (v *vault) makeMeshSecret(t *testing.T) {
	t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	v.secrets["mesh secret"] = base64.StdEncoding.EncodeToString(secret)
	v.secrets["mesh secret, its bytes"] = string(secret)
	v.flags = append(v.flags, "--mesh-secret-file", writeFile(t, filepath.Join(v.dir, "mesh-secret"), []byte(v.secrets["mesh secret"]+"\n")))
}

func writeFile(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// serve starts a collector of the mesh that uses all of them.
func (v *vault) serve(t *testing.T, id string, args ...string) *process {
	t.Helper()
	return serve(t, append(append([]string{"--id", id, "--db", filepath.Join(v.dir, "db", id+".db")}, v.flags...), args...)...)
}

// tell runs a command, whatever comes of it, and remembers what it said.
func (v *vault) tell(t *testing.T, p *process, args ...string) result {
	t.Helper()
	got := p.on(t, append(args, "--cacert", v.authorities())...)
	shown, _, _ := strings.Cut(strings.Join(args, " "), " -H ") // headers have secrets
	v.said["collector "+shown] = append(v.said["collector "+shown], got.out+got.err...)
	return got
}

// credentials are headers with secrets that are good, and with ones that are not quite.
func (v *vault) credentials() map[string][]string {
	spoilt := func(secret string) string { return secret[:len(secret)-2] + "__" }
	return map[string][]string{
		"key":           {"X-Api-Key: " + v.key},
		"token":         {"Authorization: Bearer " + v.token},
		"bad key":       {"X-Api-Key: " + spoilt(v.key)},
		"bad token":     {"Authorization: Bearer " + spoilt(v.token)},
		"no token":      {"Authorization: Bearer " + v.key},
		"other scheme":  {"Authorization: Basic " + v.token},
		"repeated key":  {"X-Api-Key: " + v.key, "X-Api-Key: " + v.key},
		"control chars": {"X-Api-Key: " + v.key + "\x7f"},
	}
}

// client trusts the authority, follows nothing, and shows no certificate.
func (v *vault) client(t *testing.T) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(readFile(t, v.authorities()))) {
		t.Fatal("no authority")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask sends a request and remembers the answer, headers included.
func (v *vault) ask(t *testing.T, method, address, body string, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := v.client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if req.URL.RawQuery == "" || !strings.Contains(req.URL.RawQuery, "token=") {
		where := method + " " + req.URL.Path
		v.said[where] = append(v.said[where], res.Status+string(text)...)
		for name, values := range res.Header {
			v.said[where] = append(v.said[where], name+strings.Join(values, " ")...)
		}
	}
	return res
}

// requests are those that no command sends: to all entrances, with bodies that are bad, and a link without a certificate.
func (v *vault) requests(t *testing.T, p *process) {
	t.Helper()
	for _, lines := range v.credentials() {
		header := http.Header{"Content-Type": {"application/json"}}
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			header[name] = append(header[name], strings.TrimSuffix(value, "\x7f"))
		}
		for path, body := range map[string]string{
			"/" + createOrder:                          `{"sku":`,
			"/shop.v1.UserService/GetUser":             `{"id":"u-1"}`,
			"/ns/nowhere/" + createOrder:               `{}`,
			"/collector.CollectiveDispatcher/Serve":    `{"namespace":"users","service":{"service_name":"shop.v1.UserService","method_name":"GetUser"}}`,
			"/collector.CollectiveDispatcher/Connect":  `{}`,
			"/no/such/path":                            ``,
			"/collector.mesh.v1.MeshService/GetStatus": `{}`,
		} {
			v.ask(t, http.MethodPost, p.URL+path, body, header.Clone())
		}
		link := header.Clone()
		link["Connection"], link["Upgrade"] = []string{"Upgrade"}, []string{"collective-link/1"}
		if res := v.ask(t, http.MethodPost, p.URL+"/collector.link", "", link); res.StatusCode < 400 {
			t.Errorf("a link without a certificate is answered by %s", res.Status)
		}
	}
}

// logIn makes a session of the console, and uses it.
func (v *vault) logIn(t *testing.T, p *process) {
	t.Helper()
	link, err := url.Parse(strings.TrimSpace(p.on(t, "console", "--print", "--cacert", v.authorities()).out))
	if err != nil || link.Query().Get("token") == "" {
		t.Fatalf("no link that logs in: %v", err)
	}
	v.secrets["login token"] = link.Query().Get("token")
	target := *link
	target.Path = "/collector.login"
	res := v.ask(t, http.MethodGet, target.String(), "", http.Header{})
	header := http.Header{"Content-Type": {"application/json"}, "Origin": {p.URL}, "Sec-Fetch-Site": {"same-origin"}}
	for _, cookie := range res.Cookies() {
		v.secrets["session cookie"] = cookie.Value
		header["Cookie"] = []string{cookie.Name + "=" + cookie.Value}
	}
	_, fragment, _ := strings.Cut(res.Header.Get("Location"), "#")
	if _, key, _ := strings.Cut(fragment, "="); key != "" {
		v.secrets["session key"] = key
		header["Collective-Session"] = []string{key}
	}
	if v.secrets["session cookie"] == "" || v.secrets["session key"] == "" {
		t.Errorf("%s, and not both halves of a session", res.Status)
	}
	v.ask(t, http.MethodPost, p.URL+"/"+createOrder, `{"sku":"tea","qty":1}`, header)
	v.ask(t, http.MethodPost, p.URL+"/collector.mesh.v1.OperatorService/WhoAmI", `{}`, header)
	if !bytes.Contains(v.said["POST /collector.mesh.v1.OperatorService/WhoAmI"], []byte("operators")) {
		t.Error("the session is nobody's")
	}
	v.ask(t, http.MethodGet, target.String()+"&again=1", "", http.Header{}) // it is used up
}

// look asks for everything that a collector tells.
func (v *vault) look(t *testing.T, p *process) {
	t.Helper()
	for _, args := range [][]string{
		{"status", "--json"}, {"status", "-o", "wide"}, {"connections", "--json"}, {"connections", "history", "--json"},
		{"services", "--json"}, {"tap", "--once", "--json", "--last", "1000"}, {"tap", "--once", "-o", "wide", "--last", "1000"},
		{"route", "orders", createOrder, "--json"}, {"check"}, {"audit", "--json", "--last", "1000"}, {"whoami", "--json"}, {"trust", "ls", "--json"},
	} {
		if got := v.tell(t, p, args...); got.exit != 0 && args[0] != "check" {
			t.Errorf("%v: exit %d\n%s%s", args, got.exit, got.out, got.err)
		}
	}
	for what, word := range map[string]string{
		"tap --once --json --last 1000": "key:ci", "audit --json --last 1000": "authenticate", "trust ls --json": "SHA256:",
	} {
		if told := v.said["collector "+what]; !bytes.Contains(told, []byte(word)) {
			t.Errorf("%s does not tell of %s: %s", what, word, told)
		}
	}
}

// search looks for each secret, and for what it begins with, in all that was said.
func (v *vault) search(t *testing.T) {
	t.Helper()
	for _, where := range slices.Sorted(maps.Keys(v.said)) {
		for what, secret := range v.secrets {
			if bytes.Contains(v.said[where], []byte(secret[:min(12, len(secret))])) {
				t.Errorf("%s shows the %s", where, what)
			}
		}
	}
}

// keptFiles are the files of the database, and those beside it that are for keys.
func (v *vault) keptFiles(t *testing.T) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(v.dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		path := filepath.Join(v.dir, "db", file.Name())
		if filepath.Ext(path) != ".key" {
			v.said["file "+file.Name()] = []byte(readFile(t, path))
			continue
		}
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", file.Name(), info.Mode())
		}
		if block, _ := pem.Decode([]byte(readFile(t, path))); block != nil {
			v.secrets["private key in "+file.Name()] = string(block.Bytes[len(block.Bytes)-32:])
			v.secrets["private key in "+file.Name()+", as text"] = base64.StdEncoding.EncodeToString(block.Bytes)[20:]
		}
	}
	if !bytes.Contains(v.said["file a.db"], []byte("CreateOrder")) {
		t.Error("the database remembers no call")
	}
}

// Keys, tokens, secrets and sessions, and what they begin with, are in no log, at no level, in no answer, error or file of a
// collector, whoever shows them and whatever comes of it.
func TestSecretsAreShownNowhere(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	if err := os.Mkdir(filepath.Join(v.dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	a := v.serve(t, "a", "--ns", "orders,users", "--example", "users", "--console", "full")
	b := v.serve(t, "b", "--ns", "orders", "--example", "orders", "--join", a.Address)
	until(t, "a call from a to b", func() bool {
		return strings.Contains(v.tell(t, a, "call", createOrder, "-d", `{"sku":"tea","qty":1}`).err, "a → b")
	})
	other := newMesh(t, "c")
	c := serve(t, "--id", "c", "--pki", other.dir, "--listen", "127.0.0.1:0", "--db", "memory", "--join", a.Address, "--log-level", "debug")

	v.requests(t, a)
	for _, header := range v.credentials() {
		for _, args := range [][]string{
			{"call", createOrder, "-d", `{"sku":"tea","qty":2}`},
			{"call", createOrder, "-d", `{"sku":"tea","qty":2}`, "--protocol", "grpc"},
			{"call", "shop.v1.OrderService/GetOrder", "-d", `{"id":"none"}`, "--protocol", "grpcweb"},
			{"call", "shop.v1.OrderService/GetOrder", "-d", `{"id":"none"}`, "--debug"},
			{"dispatch", "orders", createOrder},
			{"services", "register", "../../proto/shop/v1/orders.proto", "--ns", "orders"},
			{"connect", b.Address},
		} {
			for _, line := range header {
				args = append(args, "-H", line)
			}
			v.tell(t, a, args...)
		}
	}
	v.logIn(t, a)
	until(t, "c to be refused", func() bool { return strings.Contains(c.log.String(), "certificate") })
	v.look(t, a)
	v.tell(t, a, "disconnect", "b")
	for _, p := range []*process{a, b, c} {
		p.signal(t, syscall.SIGTERM)
		p.wait(t)
		v.said["log of "+p.ID] = []byte(p.log.String())
	}
	if log := v.said["log of a"]; !bytes.Contains(log, []byte(`"DEBUG"`)) || !bytes.Contains(log, []byte("CreateOrder")) {
		t.Error("the log of a tells of no call")
	}
	v.keptFiles(t)
	v.search(t)
}
