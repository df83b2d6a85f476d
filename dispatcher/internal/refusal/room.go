package refusal

import (
	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/collectiverpc/collective/mesh"
)

// NoRoom refuses a call that a collector has no room for, before it runs. why follows the sentence that says so; it may be empty.
func NoRoom(collector, why string) *Refusal {
	r := New(connect.CodeResourceExhausted, mesh.ReasonOverloaded, "collector "+Quoted(collector)+" has no room for this call"+why+
		"; it did not run: try again in a second, elsewhere, or with fewer calls at once")
	r.Details = []*connect.ErrorDetail{RetryInSecond}
	return r
}

// RetryInSecond is a detail that says when to try again: google.rpc.RetryInfo with a retry_delay of one second. It must not be
// changed.
var RetryInSecond = &connect.ErrorDetail{Type: "google.rpc.RetryInfo", Value: protowire.AppendBytes(
	protowire.AppendTag(nil, 1, protowire.BytesType),
	protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1),
)}
