package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/internal/watch"
)

// Source is the files of a certificate, followed. All methods are safe for concurrent use.
type Source struct {
	files Files
	log   *slog.Logger
	now   atomic.Pointer[inForce]
	stop  func() // the watcher

	mu     sync.Mutex // held while files are read: the last to begin wins
	failed error      // why what the files say is not in force; nil if it is
}

// inForce is what handshakes use, made once for all of them.
type inForce struct {
	*contents
	listening *tls.Config
}

// Follow reads files and follows them until [Source.Close]. Files that cannot be used at the start are an error. log is told
// of each change; nil for [slog.Default].
func Follow(files Files, log *slog.Logger) (*Source, error) {
	if log == nil {
		log = slog.Default()
	}
	s := &Source{files: files, log: log}
	s.stop = watch.Files(context.Background(), files.paths(), func() { _ = s.Reload() }) // it says itself what was wrong
	if err := s.Reload(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// Close stops following. What was in force stays so.
func (s *Source) Close() { s.stop() }

// Reload reads the files now, whether they have changed or not, and returns why the contents before stay in force; nil if
// they do not.
func (s *Source) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	read, err := s.files.read()
	if err != nil {
		s.refuse(err)
		return err
	}
	first := s.now.Swap(&inForce{contents: read, listening: read.listen()}) == nil
	mended := s.failed != nil
	s.failed = nil
	if !first || mended {
		s.log.Info("certificates were read again", read.attributes()...)
	}
	if until, ok := read.until(); ok && time.Now().After(until) {
		s.log.Warn("the certificate has expired: others refuse it, renew it", read.attributes()...)
	}
	return nil
}

// refuse keeps what is in force. It is logged once until it is another reason.
func (s *Source) refuse(err error) {
	if s.now.Load() != nil && (s.failed == nil || s.failed.Error() != err.Error()) {
		s.log.Warn("certificates cannot be used as they are now, those read before stay in force", "error", err)
	}
	s.failed = err
}

// Listen is for a listener: it shows the certificate in force at each handshake, and verifies one that a client shows. A
// client need not have one. It is for HTTP, of both versions.
func (s *Source) Listen() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.now.Load().listening, nil },
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := s.now.Load().pair; pair != nil {
				return pair, nil
			}
			return nil, errors.New("there is no certificate to show: give Files one")
		},
	}
}

// Dial is for one dial: what is in force now. Whoever keeps it keeps the certificate and the authorities of now; give the
// method itself to dispatcher.WithTLSSource, or the source to dispatcher.WithCertificates. The caller may change the configuration.
func (s *Source) Dial() *tls.Config { return s.now.Load().dial() }

// State is what is in force.
type State struct {
	Leaf   *x509.Certificate // the certificate that is shown; nil without one
	Failed error             // why what the files say now is not in force; nil if it is
}

// State returns what is in force.
func (s *Source) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Failed: s.failed}
	if pair := s.now.Load().pair; pair != nil {
		state.Leaf = pair.Leaf
	}
	return state
}

// Warnings says that the files cannot be used as they are now, or that the certificate in force has expired; none while all is
// well. It is for the status of a collector, see dispatcher.WithCertificates.
func (s *Source) Warnings() []string {
	var warnings []string
	state := s.State()
	if state.Failed != nil {
		warnings = append(warnings, "certificates cannot be used as they are now, those read before are in force: "+state.Failed.Error())
	}
	if state.Leaf != nil && time.Now().After(state.Leaf.NotAfter) {
		warnings = append(warnings, fmt.Sprintf("certificate %s has expired at %s: others refuse it, renew it",
			s.files.Cert, state.Leaf.NotAfter.UTC().Format(time.RFC3339)))
	}
	return warnings
}

// String is a sentence for people about the state.
func (s *Source) String() string {
	state := s.State()
	text := "no certificate"
	if state.Leaf != nil {
		text = fmt.Sprintf("certificate %s until %s", s.files.Cert, state.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	if s.files.Authorities != "" {
		text += ", authorities " + s.files.Authorities
	}
	if state.Failed != nil {
		text += "; the files as they are now are not in force: " + state.Failed.Error()
	}
	return text
}

func (c *contents) until() (end time.Time, ok bool) {
	if c.pair == nil {
		return time.Time{}, false
	}
	return c.pair.Leaf.NotAfter, true
}

// attributes are for the log. A key has none.
func (c *contents) attributes() []any {
	if c.pair == nil {
		return nil
	}
	leaf := c.pair.Leaf
	return []any{"serial", leaf.SerialNumber.Text(16), "until", leaf.NotAfter.UTC().Format(time.RFC3339)}
}
