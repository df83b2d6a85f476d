package host

import (
	"net"
	"net/netip"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/web"
)

// What browsers may do with the console of a collector.
const (
	ConsoleFull     = string(web.Full)
	ConsoleReadOnly = string(web.ReadOnly)
	ConsoleOff      = string(web.Off)
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

// isLoopback is false for names other than localhost: what they resolve to may change.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// showConsole is the console. What pages of other sites ask is refused with and without it.
func (c *Config) showConsole() dispatcher.Option {
	if c.console() == ConsoleOff {
		return dispatcher.WithConsole(nil)
	}
	return dispatcher.WithConsole(web.Config{
		Base: consolePath, Prefix: c.BasePath, Mode: web.Mode(c.console()), Hosts: c.ConsoleHosts,
	})
}
