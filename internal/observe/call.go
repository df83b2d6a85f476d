package observe

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// OK is the code of a call that succeeded.
const OK = "ok"

// Entrance is how a call came in.
type Entrance string

// The ways a call comes in.
const (
	Native   Entrance = "native"
	Dispatch Entrance = "dispatch"
	Serve    Entrance = "serve"
	Link     Entrance = "link"
	Process  Entrance = "process"
)

// Call is one finished call. Its strings and its route are kept as they are and must not change afterwards.
type Call struct {
	Entrance  Entrance
	Namespace string
	Procedure string
	// Source is the collector at which the call entered the mesh, Executor the one that ran or refused it.
	Source, Executor string
	Route            []string
	// Code is a Connect code name or OK.
	Code string
	// Reason is the mesh's own word when it failed the call, empty when the handler did.
	Reason, Message             string
	Start                       time.Time
	Duration                    time.Duration
	RequestBytes, ResponseBytes int64
	seq                         uint64
}

func (c *Call) failed() bool { return c.Code != OK }

// ran tells a call that found a handler from one with a name that anyone could make up.
func (c *Call) ran() bool { return c.Reason == "" }

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
	}
}
