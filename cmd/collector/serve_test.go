package main_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/meshtest"
)

const createOrder = "shop.v1.OrderService/CreateOrder"

func TestTwoCollectors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--ns", "users,orders", "--example", "users", "--db", filepath.Join(dir, "a.db"))
	startB := func(listen string) *process {
		return serve(t, "--id", "b", "--listen", listen, "--ns", "inventory", "--example", "orders", "--db", filepath.Join(dir, "b.db"))
	}
	b := startB("127.0.0.1:0")

	a.on(t, "call", createOrder).expect(t, 2, "", "OrderService")
	a.on(t, "connect", b.Address).expect(t, 0, "active", "")
	a.on(t, "status").expect(t, 0, "b\t"+b.Address+"\tactive\tdialed\torders", "collector a")
	b.on(t, "status").expect(t, 0, "a\t", "collector b")
	a.on(t, "services").expect(t, 0, createOrder+"\torders\tunary\tb", "")
	a.on(t, "services", "describe", "OrderService").expect(t, 0, "// CreateOrder takes an order", "")
	a.on(t, "route", createOrder, "-o", "table").expect(t, 0, "← chosen", "in namespace orders")
	a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":2}`).expect(t, 0, `"id": "o-1"`, "handled by b · a → b · ")
	a.on(t, "call", createOrder, "-d", `{"qty":2}`).expect(t, 67, "", "sku is empty")
	a.on(t, "call", createOrder, "--to", "nobody").expect(t, 69, "", "nobody")
	a.on(t, "call", "UserService/GetUser", "-d", `{"id":"u-2"}`, "--local").expect(t, 0, `"9007199254740993"`, "handled by a · a · ")
	a.on(t, "dispatch", "orders", createOrder, "--json").expect(t, 67, `"handledByCollectorId": "b"`, `"exit":67`)

	second := collector(t, "serve", "--id", "b", "--listen", "127.0.0.1:0", "--db", filepath.Join(dir, "b.db"))
	second.expect(t, 1, "", "process "+strconv.Itoa(b.Process.Pid)+" has it open")

	b.kill()
	until(t, "a's connection to be stale", a.sees(t, "stale"))
	a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":2}`).expect(t, 78, "", "unavailable")
	a.on(t, "status").expect(t, 0, "stale", "warning 1 of 1")

	b = startB(b.Address)
	until(t, "a's connection to be active again", a.sees(t, "active"))
	a.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":2}`).expect(t, 0, `"id": "o-1"`, "handled by b · a → b · ")

	a.on(t, "disconnect", "b", "--reason", "moving house").expect(t, 0, "closed", "")
	a.on(t, "connections").expect(t, 0, "moving house", "")
	until(t, "b to see it closed", b.sees(t, "closed"))
	for _, p := range []*process{a, b} {
		p.signal(t, syscall.SIGTERM)
		if exit := p.wait(t); exit != 0 {
			t.Errorf("exit %d after SIGTERM:\n%s", exit, p.log)
		}
	}
}

func TestJoinWaitsUntilTheOtherIsUp(t *testing.T) {
	t.Parallel()
	address := meshtest.FreeAddress(t)
	early := serve(t, "--id", "early", "--listen", "127.0.0.1:0", "--db", "memory", "--join", address)
	until(t, "a word about the one that is not there", func() bool {
		return strings.Contains(early.log.String(), "cannot join yet")
	})
	serve(t, "--id", "late", "--listen", address, "--db", "memory")
	until(t, "the connection", early.sees(t, "active"))
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	first := serve(t, "--id", "first", "--listen", "127.0.0.1:0", "--db", "memory")
	collector(t, "serve", "--id", "second", "--listen", first.Address, "--db", "memory").expect(t, 1, "", "address already in use")
}

func TestStopsWhenStdinEnds(t *testing.T) {
	t.Parallel()
	collector(t, "serve", "--id", "child", "--listen", "127.0.0.1:0", "--db", "memory", "--until-eof").
		expect(t, 0, `"id":"child"`, "stopped")
}

// A call that never ends holds the drain up; the second signal does not wait for it.
func TestSecondSignalKills(t *testing.T) {
	t.Parallel()
	p := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--example", "orders", "--db", "memory", "--grace", "10m")
	p.on(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`).expect(t, 0, "o-1", "")
	watcher := exec.Command(program, "call", "OrderService/WatchOrders", "-s", p.URL)
	stdout, err := watcher.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watcher.Start(); err != nil {
		t.Fatal(err)
	}
	defer watcher.Wait() //nolint:errcheck // it fails when the collector is killed
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.Contains(line, "o-1") {
		t.Fatalf("watching: %q, %v", line, err)
	}
	p.signal(t, syscall.SIGINT)
	until(t, "the drain to begin", func() bool { return strings.Contains(p.log.String(), "draining") })
	p.signal(t, syscall.SIGINT)
	p.wait(t)
	if !p.killedBySignal() {
		t.Errorf("exit %v, want death by the second signal\n%s", p.ProcessState, p.log)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	a := serve(t, "--id", "a", "--listen", "127.0.0.1:0", "--ns", "orders", "--db", "memory", "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(a.URL, "https://") {
		t.Errorf("URL %s", a.URL)
	}
	a.on(t, "status").expect(t, 0, "", "collector a") // by the socket of the user, which needs no certificate
	a.byNetwork(t, "status").expect(t, 3, "", "not trusted")
	a.byNetwork(t, "services", "--cacert", cert).expect(t, 0, "", "")
	serve(t, "--id", "b", "--listen", "127.0.0.1:0", "--example", "orders", "--db", "memory", "--join", a.Address, "--cacert", cert)
	until(t, "the link over TLS", func() bool {
		return a.byNetwork(t, "call", createOrder, "-d", `{"sku":"tea","qty":1}`, "--cacert", cert).exit == 0
	})
}

// certificate makes a self-signed certificate for 127.0.0.1.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", der), writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", pkcs8)
}

func writePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
