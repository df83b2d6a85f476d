package host

import (
	"net"
	"net/http"

	"github.com/collectiverpc/collective/web"
)

// What browsers may do with the console of a collector.
const (
	ConsoleFull     = "full"
	ConsoleReadOnly = "readonly"
	ConsoleOff      = "off"
)

// consolePath is where the console is.
const consolePath = "/console/"

// ConsoleModes are the values of [Config.Console].
func ConsoleModes() []string { return []string{ConsoleFull, ConsoleReadOnly, ConsoleOff} }

// console is the mode in force. Beyond loopback anyone on the network could use it, so there it must be asked for.
func (c *Config) console() string {
	if c.Console != "" {
		return c.Console
	}
	if c.onLoopback() {
		return ConsoleFull
	}
	return ConsoleOff
}

func (c *Config) onLoopback() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	return err == nil && isLoopback(host)
}

// guarded puts the console in front of a collector, unless it is off, and on loopback what keeps browsers away: a page
// of any site can reach it there, by a name that was made to point at it.
func (c *Config) guarded(next http.Handler) (http.Handler, error) {
	config := web.Config{
		Base: consolePath, Prefix: c.BasePath, Mode: web.Mode(c.console()), Hosts: c.ConsoleHosts, Origins: c.CORSOrigins,
	}
	if c.console() != ConsoleOff {
		return web.Mount(next, config)
	}
	if c.onLoopback() {
		return web.Guard(next, config)
	}
	return next, nil
}
