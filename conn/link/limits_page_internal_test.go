package link

import (
	"testing"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/handshake"
	"github.com/collectiverpc/collective/internal/limitdoc"
)

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	limitdoc.Check(t, "link",
		limitdoc.Fields("link.Limits", Limits{}.WithDefaults(), "MaxMessage", "MaxQueued", "MaxHeld"),
		map[string]any{
			"numbered names of calls, each way": frame.MaxNames,
			"texts of those names":              limitdoc.Bytes(frame.MaxNameBytes),
			"who a call is made for":            limitdoc.Bytes(frame.MaxCaller),
			"memory of messages of more than 16 KiB that are encoded and have not left, in shares of `MaxHeld`": unsentShare,
			"one catalog": limitdoc.Bytes(maxCatalog),
			"the same on an accepted link before the connection is agreed":         limitdoc.Bytes(unagreedBytes),
			"bytes that wait to be written before the connection is agreed":        limitdoc.Bytes(unagreedQueue),
			"one frame, and what is read at once, before the connection is agreed": limitdoc.Bytes(frame.NarrowBuffer),

			"metadata of a call over a link, each way": limitdoc.Bytes(frame.MaxMetadata),
			"credit of a call at first":                limitdoc.Bytes(firstWindow),
			"credit of a call that needs it":           limitdoc.Bytes(maxWindow),
			"silence until a ping":                     pingAfter,
			"answer to that ping":                      pingWait,
			"one write":                                writeTimeout,
			"HELLO and PROOF of the other end":         handshake.Timeout,

			"silence of a link whatever this process was doing": maxSilence,
		})
}
