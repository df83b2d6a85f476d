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
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && isLoopback(host) {
		return ConsoleFull
	}
	return ConsoleOff
}

// withConsole puts the console in front of a collector, unless it is off.
func (c *Config) withConsole(next http.Handler) (http.Handler, error) {
	if c.console() == ConsoleOff {
		return next, nil
	}
	return web.Mount(next, web.Config{Base: consolePath, Mode: web.Mode(c.console()), Hosts: c.ConsoleHosts})
}
