package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/collectiverpc/collective/conn/carrier"
)

// Options say which attacks are run, and how.
type Options struct {
	Only      string
	Collector string // the binary; empty to build it
	Short     bool
}

// Stage is where one attack runs: its collectors end with it.
type Stage struct {
	Options
	ctx     context.Context
	out     io.Writer
	dir     string
	mu      sync.Mutex // of what follows
	cleanup []func()
}

// end undoes what the attack began, the last first.
func (s *Stage) end() {
	for i := len(s.cleanup) - 1; i >= 0; i-- {
		s.cleanup[i]()
	}
}

// defers has something done when the attack is over.
func (s *Stage) defers(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanup = append(s.cleanup, f)
}

// errNotRun is why an attack cannot be tried here.
var errNotRun = errors.New("not possible here")

func notRun(err error) bool { return errors.Is(err, errNotRun) }

// Target is a collector that runs.
type Target struct {
	*exec.Cmd
	ID      string // this and the next two are from its ready line
	Address string
	URL     string
	log     *transcript
	exited  chan struct{}
	tls     *tls.Config // of those who dial it; nil for plaintext
}

// dial opens a connection to a target, over TLS for one of the protocols of HTTP if that is what it speaks.
func (t *Target) dial(ctx context.Context, protocol string) (net.Conn, error) {
	if t.tls == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", t.Address)
	}
	config := t.tls.Clone()
	config.NextProtos = []string{protocol}
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", t.Address)
}

// raw is the socket of a connection, beneath TLS.
func raw(c net.Conn) *net.TCPConn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return c.(*net.TCPConn)
}

// serveTLS starts a collector with a certificate of an authority of its own.
func (s *Stage) serveTLS(args ...string) (*Target, error) {
	pki := filepath.Join(s.dir, "tls")
	if _, err := os.Stat(pki); err != nil {
		for _, command := range [][]string{{"init"}, {"issue", "a"}} {
			if _, err := s.run(append([]string{"pki", "--dir", pki}, command...)...); err != nil {
				return nil, err
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(pki, "ca.crt"))
	if err != nil {
		return nil, err
	}
	pair := filepath.Join(pki, "collectors", "a")
	t, err := s.serve(append(args, "--tls-cert", pair+".crt", "--tls-key", pair+".key")...)
	if err != nil {
		return t, err
	}
	t.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	t.tls.RootCAs.AppendCertsFromPEM(text)
	return t, nil
}

// served starts one of each: without TLS and with it.
func (s *Stage) served(args ...string) (plain, secure *Target, err error) {
	if plain, err = s.serve(args...); err == nil {
		secure, err = s.serveTLS(args...)
	}
	return plain, secure, err
}

// serve starts a collector and waits until it is ready.
func (s *Stage) serve(args ...string) (*Target, error) {
	t := &Target{log: new(transcript), exited: make(chan struct{})}
	t.Cmd = exec.CommandContext(s.ctx, s.Collector, append([]string{"serve", "--log-level", "warn"}, args...)...)
	t.Dir, t.Stderr = s.dir, t.log
	stdout, err := t.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := t.Start(); err != nil {
		return nil, err
	}
	s.defers(t.kill)
	reader := bufio.NewReader(stdout)
	line, err := reader.ReadBytes('\n')
	go func() {
		defer close(t.exited)
		_, _ = io.Copy(io.Discard, reader)
		_ = t.Wait()
	}()
	if err == nil {
		err = json.Unmarshal(line, t)
	}
	if err != nil {
		<-t.exited
		return t, fmt.Errorf("the collector is not ready: %w\n%s", err, t.log)
	}
	return t, nil
}

func (t *Target) kill() {
	_ = t.Process.Kill() // it may be gone
	<-t.exited
}

// linkPath is where collectors accept links.
const linkPath = carrier.UpgradePath

// upgrade is the protocol that a collector wants in the Upgrade header of a link, with its version: it says so to those
// who come without.
func (t *Target) upgrade() string {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: t.tls, DisableKeepAlives: true}}
	res, err := client.Post(t.URL+linkPath, "", nil)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	return res.Header.Get("Upgrade")
}

// run runs a command of the binary to its end.
func (s *Stage) run(args ...string) (out string, err error) {
	return s.program(s.Collector, args...)
}

func (s *Stage) program(name string, args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = s.dir
	command.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(s.dir, "config"))
	var errs bytes.Buffer
	command.Stderr = &errs
	text, err := command.Output()
	if err != nil {
		return string(text), fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, &errs)
	}
	return string(text), nil
}

// has tells whether serve knows a flag.
func (s *Stage) has(flag string) bool {
	help, err := s.run("serve", "--help")
	return err == nil && strings.Contains(help, flag+" ")
}

// pause waits, or returns early when the attack is over.
func (s *Stage) pause(d time.Duration) {
	select {
	case <-s.ctx.Done():
	case <-time.After(d):
	}
}

// until looks until it sees what it must, and tells whether it did within a time.
func (s *Stage) until(within time.Duration, look func() bool) bool {
	for end := time.Now().Add(within); time.Now().Before(end) && s.ctx.Err() == nil; s.pause(20 * time.Millisecond) {
		if look() {
			return true
		}
	}
	return false
}

// transcript collects output that is written while it is read.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
