package host

import (
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
)

// check refuses what must not run, before anything is touched.
func (c *Config) check() error {
	if err := c.checkExamples(); err != nil {
		return err
	}
	for _, address := range c.Join {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return refusedf("--join %q: want host:port", address)
		}
	}
	if !slices.Contains(ConsoleModes(), c.console()) {
		return refusedf("--console %s is unknown: want %s", c.Console, strings.Join(ConsoleModes(), ", "))
	}
	if c.History < 0 || c.HistoryAge < 0 {
		return refusedf("--history %d, --history-age %v: want nothing negative", c.History, c.HistoryAge)
	}
	if c.History > 0 && c.Store == InMemory {
		return &RefusedError{What: "--history keeps calls in the file of --db, and there is none", Hint: []string{"--db FILE"}}
	}
	if c.Limits.Streams < 0 || c.Limits.Streams > math.MaxInt32 {
		return refusedf("--max-streams %d: want how many calls one connection may have at once, 0 for the default", c.Limits.Streams)
	}
	if c.Fault.Percent < 0 || c.Fault.Percent > 100 {
		return refusedf("--example-fault %d: want a percentage, 0 to 100", c.Fault.Percent)
	}
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
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return refusedf("--listen %q: want host:port, such as 127.0.0.1:50051", c.Listen)
	}
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

func (c *Config) checkExamples() error {
	for _, name := range c.Examples {
		if !slices.Contains(ExampleNames(), name) {
			return refusedf("--example %s is unknown: want %s", name, strings.Join(ExampleNames(), ", "))
		}
	}
	return nil
}
