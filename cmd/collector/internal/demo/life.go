package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stopTime is how long a collector has to drain when it is asked to stop.
const stopTime = 10 * time.Second

// faultPercent is how many of a hundred calls of ReserveStock fail on purpose.
const faultPercent = 15

// anyPort is an address with a free port.
const anyPort = "127.0.0.1:0"

// life is how an actor lives: as a process of its own, or inside this one.
type life interface {
	// begin starts it at an address, and answers where it listens once it is ready. errTaken is in the chain of its error
	// when somebody else listens there.
	begin(ctx context.Context, listen string) (address string, err error)
	// kill ends it without a goodbye, and verb says how.
	kill() error
	verb() string
	// end stops it in good order, whatever state it is in, or by force if that takes too long.
	end() error
}

// errTaken is why a collector did not start when somebody else listens at its address.
var errTaken = errors.New("its address is taken")

// role is what an actor is, however it lives.
type role struct {
	id         string
	namespaces []string
	example    string
	seed       uint64 // of the fault
	dir        string // where its database and log are
}

func (r role) path(ending string) string { return filepath.Join(r.dir, r.id+"."+ending) }

func (r role) openLog() (*os.File, error) {
	return os.OpenFile(r.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// lastWords are the end of the log.
func (r role) lastWords() string {
	const most = 500
	text, err := os.ReadFile(r.path("log"))
	if err != nil {
		return err.Error()
	}
	words := strings.TrimSpace(string(text[max(0, len(text)-most):]))
	if words == "" {
		return "it said nothing"
	}
	return words
}
