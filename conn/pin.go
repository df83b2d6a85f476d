package conn

import (
	"crypto/tls"
	"sync"

	"connectrpc.com/connect/v2"
)

// pin is the collector that must prove itself wherever one dial, or one line to a seed peer, makes a connection. If it
// is not known beforehand, the first that proves itself is the one. Methods may be called concurrently.
type pin struct {
	mu      sync.Mutex
	id      string // empty while anybody may prove to be it
	shown   bool   // somebody has proved to be it
	refused error  // why the last one was not it
}

func newPin(id string) *pin { return &pin{id: id} }

// take judges what a server has proved.
func (p *pin) take(id string, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
	case p.id == "":
		p.id = id
	case p.id != id:
		err = connect.Errorf(connect.CodePermissionDenied,
			"the certificate there is of collector %q, not of %q: connect to the address that %q has now", id, p.id, p.id)
	}
	p.refused, p.shown = err, p.shown || err == nil
	return err
}

// proven is the collector that has proved itself; empty before.
func (p *pin) proven() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown {
		return ""
	}
	return p.id
}

// verdict is why the last server was refused, else err: what failed because of that reports it in words of its own.
func (p *pin) verdict(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused != nil {
		return p.refused
	}
	return err
}

// tlsFor is the TLS configuration to dial the collector of a pin; nil for plaintext. What the caller's own has to say
// comes first.
func (m *Manager) tlsFor(expected *pin) *tls.Config {
	if m.tls == nil {
		return nil
	}
	config := m.tls.Clone()
	if m.identity == nil {
		return config
	}
	verify := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if verify != nil {
			if err := verify(state); err != nil {
				return err
			}
		}
		return expected.take(m.identify(&state))
	}
	return config
}
