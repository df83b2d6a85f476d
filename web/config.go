package web

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Mode is what browsers may do with a collector.
type Mode string

// Full lets browsers call methods and change connections; ReadOnly lets them look; Off shows no console. The zero Mode is
// Full for what arrives on a loopback address, and Off for everything else.
const (
	Full     Mode = "full"
	ReadOnly Mode = "readonly"
	Off      Mode = "off"
)

// Config says how the console is served. The zero Config is safe: give it to dispatcher.WithConsole, and the collector
// shows its console to browsers on the same machine at /console/.
type Config struct {
	// Base is the path the console is mounted at, with a slash at both ends. Default "/console/".
	Base string
	// Prefix is the path below which browsers see the collector, as behind a reverse proxy: letters, digits and -._~ between
	// slashes, none at the end. Requests must come without it, as from [http.StripPrefix]. Default "".
	Prefix string
	// Mode defaults to Full on loopback addresses and Off beyond them: anyone on the network could use it there, so it must be
	// asked for.
	Mode Mode
	// Hosts are names by which browsers may address this collector beside loopback ones, without port. A console beyond
	// loopback, or behind a proxy that passes the Host header on, needs at least one. Default none.
	Hosts []string
}

// Names are the Hosts, for dispatcher.WithConsole: what the console is called, its collector is.
func (c Config) Names() []string { return c.Hosts }

func (c Config) withDefaults() Config {
	if c.Base == "" {
		c.Base = "/console/"
	}
	return c
}

// check reports everything that is wrong at once.
func (c Config) check() error {
	var problems []error
	if !strings.HasPrefix(c.Base, "/") || !strings.HasSuffix(c.Base, "/") || c.Base == "/" {
		problems = append(problems, fmt.Errorf("console: Base %q: want a path between slashes, such as /console/", c.Base))
	}
	if !prefix.MatchString(c.Prefix) {
		problems = append(problems, fmt.Errorf("console: Prefix %q: want a path such as /tools/mesh, without a slash at its end", c.Prefix))
	}
	if !slices.Contains([]Mode{"", Full, ReadOnly, Off}, c.Mode) {
		problems = append(problems, fmt.Errorf("console: Mode %q: want %s, %s or %s", c.Mode, Full, ReadOnly, Off))
	}
	return errors.Join(problems...)
}

// prefix is a path whose segments need no escaping in a page.
var prefix = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)
