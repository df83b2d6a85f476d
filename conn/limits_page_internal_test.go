package conn

import (
	"testing"

	"github.com/collectiverpc/collective/conn/internal/catalog"
	"github.com/collectiverpc/collective/conn/internal/keys"
	"github.com/collectiverpc/collective/conn/internal/namesake"
	"github.com/collectiverpc/collective/conn/internal/secret"
	"github.com/collectiverpc/collective/internal/limitdoc"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	limitdoc.Check(t, "conn", limitdoc.Fields("conn.Limits", Limits{}.withDefaults()), map[string]any{
		"connections that are known":                                 MaxPeers,
		"an accepted link agrees on a connection":                    agreeTimeout,
		"a dial, to agreement":                                       dialTimeout,
		"calls of a link that is replaced or disconnected":           drainTimeout,
		"pause between dials of one peer, at least":                  dialInterval,
		"pause between dials after the first loss, at most":          backoffBase,
		"pause between dials after many, at most":                    backoffCap,
		"a connection without a call is `active`":                    idleAfter,
		"a dead connection is remembered":                            forgetAfter,
		"a peer of an earlier run is expected to say what it serves": expectFor,
		"methods that a peer announces, withdrawn ones too":          catalogBurst,
		"changes of what is registered are told together":            catalogTick,
		"changes that a peer may be behind":                          catalog.MostChanges,
		"keys of collectors that are known":                          keys.Most,
		"mesh secrets in force at once":                              secret.Most,
		"a second process under the id of a peer is told of":         namesake.For,
	})
}
