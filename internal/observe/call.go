package observe

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// OK is the code of a call that succeeded.
const OK = "ok"

// Entrance is how a call came in.
type Entrance string

// The ways a call comes in. They are words of the contract and rows of the archive: none may change.
const (
	Native   Entrance = "native"   // at the path of the method, by any protocol
	Dispatch Entrance = "dispatch" // in an envelope, from a client
	Serve    Entrance = "serve"    // in an envelope, from another collector
	Link     Entrance = "link"     // over a link from another collector
	Process  Entrance = "process"  // from this process itself
)

// Call is one finished call. Its strings and its route are kept as they are and must not change afterwards.
type Call struct {
	Entrance  Entrance
	Namespace string
	Procedure string
	// Source is the collector at which the call entered the mesh, Executor the one that ran or refused it.
	Source, Executor string
	Route            []string
	// Principal is whose call it was, as text without secrets; empty if that was not asked.
	Principal string
	// Code is a Connect code name or OK.
	Code string
	// Reason is the mesh's own word when it failed the call, empty when the handler did.
	Reason, Message             string
	Start                       time.Time
	Duration                    time.Duration
	RequestBytes, ResponseBytes int64
	seq                         uint64
}

// failed counts whatever the caller got no answer for, whoever refused it.
func (c *Call) failed() bool { return c.Code != OK }

// ran tells a call that found a handler from one with a name that anyone could make up.
func (c *Call) ran() bool { return c.Reason == "" }

// The longest texts of a failed call that are kept, in bytes.
const (
	maxMessage = 1024
	maxName    = 256
)

// tidy makes the texts of a failed call fit to be kept and told: what anybody asked for or answered may be long, and no
// text at all. Those of a call that succeeded are names that are registered.
func (c *Call) tidy() {
	if !c.failed() {
		return
	}
	c.Message = tidyText(c.Message, maxMessage)
	if !c.ran() {
		c.Namespace, c.Procedure = tidyText(c.Namespace, maxName), tidyText(c.Procedure, maxName)
	}
}

// tidyText is valid UTF-8 of at most so many bytes and a sign that there was more.
func tidyText(s string, most int) string {
	if len(s) > most {
		s = strings.Clone(s[:most]) + "…" // a clone, so that the rest need not be kept
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// peer is the other collector of a call, empty if there is none.
func (c *Call) peer(self string) string {
	switch {
	case c.Source != self:
		return c.Source
	case c.Executor != self:
		return c.Executor
	}
	return ""
}

// message is the call as the contract tells it. Its strings are shared, not copied.
func (c *Call) message() *meshv1.Dispatch {
	return &meshv1.Dispatch{
		Seq:                 c.seq,
		StartedAt:           timestamppb.New(c.Start),
		DurationNanos:       c.Duration.Nanoseconds(),
		Namespace:           c.Namespace,
		Procedure:           c.Procedure,
		SourceCollectorId:   c.Source,
		ExecutorCollectorId: c.Executor,
		Route:               c.Route,
		Code:                c.Code,
		Reason:              c.Reason,
		Message:             c.Message,
		RequestBytes:        c.RequestBytes,
		ResponseBytes:       c.ResponseBytes,
		Entrance:            string(c.Entrance),
		Principal:           c.Principal,
	}
}
