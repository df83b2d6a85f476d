package identity

import (
	"crypto/tls"
	"crypto/x509"
	"sync"

	"connectrpc.com/connect/v2"
)

// Expected is the collector that must prove itself wherever one dial, or one path to a seed peer, makes a connection. If it
// is not known beforehand, the first that proves itself is the one. Methods may be called concurrently.
type Expected struct {
	mu      sync.Mutex
	id      string // empty while anybody may prove to be it
	shown   bool   // somebody has proved to be it
	refused error  // why the last one was not it
	own     *x509.Certificate
	way     Way
}

// Expect makes it of an id, empty if it is not known beforehand.
func Expect(id string) *Expected { return &Expected{id: id} }

// Take judges what a server has proved.
func (e *Expected) Take(id string, err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil:
	case e.id == "":
		e.id = id
	case e.id != id:
		err = connect.Errorf(connect.CodePermissionDenied,
			"the certificate there is of collector %q, not of %q: connect to the address that %q has now", id, e.id, e.id)
	}
	e.refused, e.shown = err, e.shown || err == nil
	return err
}

// Proven is the collector that has proved itself; empty before.
func (e *Expected) Proven() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.shown {
		return ""
	}
	return e.id
}

// Verdict is why the last server was refused, else err: what failed because of that reports it in words of its own.
func (e *Expected) Verdict(err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refused != nil {
		return e.refused
	}
	return err
}

// Shows notes the certificate that this end shows there.
func (e *Expected) Shows(own *x509.Certificate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.own = own
}

// Reached notes the connection that leads there.
func (e *Expected) Reached(remote string, state *tls.ConnectionState) error {
	way, err := WayOf(remote, state)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.own != nil && way.TLS {
		way.Expires = earlier(way.Expires, e.own.NotAfter)
	}
	e.way = way
	return err
}

// Leads notes the way there of a dial that makes no connection of its own.
func (e *Expected) Leads(way Way) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.way = way
}

// Way is the connection that leads there; the zero value before there is one.
func (e *Expected) Way() Way {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.way
}
