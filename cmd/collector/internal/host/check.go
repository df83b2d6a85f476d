package host

import (
	"crypto/tls"
	"fmt"
)

// check refuses what must not run, before anything is touched.
func (c *Config) check() error {
	if err := c.checkIdentity(); err != nil {
		return err
	}
	if err := c.checkBasePath(); err != nil {
		return err
	}
	return c.checkListen()
}

// checkIdentity refuses to show certificates that nobody would take for this collector's.
func (c *Config) checkIdentity() error {
	if c.Identity == nil {
		return nil
	}
	for _, own := range []struct {
		flag   string
		config *tls.Config
	}{{"--tls-cert", c.ListenTLS}, {"--cert", c.dialing()}} {
		if own.config == nil {
			return refusedf("%s: there is none to prove who this collector is", own.flag)
		}
		if err := c.Identity.Check(own.config, c.ID); err != nil {
			return refusedf("%s: %v", own.flag, err)
		}
	}
	return nil
}

// dialing is how it would dial now; nil for plaintext.
func (c *Config) dialing() *tls.Config {
	if c.DialTLS == nil {
		return nil
	}
	return c.DialTLS()
}

// checkListen refuses plaintext beyond loopback, as the dispatcher does too when it is given the listener: here the store is
// not made yet, and the flags that help have names.
func (c *Config) checkListen() error {
	if c.ListenTLS != nil || c.AllowPlaintext || c.onLoopback() {
		return nil
	}
	return &RefusedError{
		What: fmt.Sprintf("--listen %s is beyond loopback without TLS: anyone on the network could read and make calls", c.Listen),
		Hint: []string{
			"--tls-cert FILE --tls-key FILE     # serve it with TLS",
			"--listen 127.0.0.1:50051           # or for this machine only",
			"--allow-plaintext                  # or do it all the same",
		},
	}
}
