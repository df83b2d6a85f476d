package introduction

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"slices"
	"strconv"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/status"
)

// Keys of Status.details in the answer to a Connect that was agreed to.
const (
	// detailKnownAs is the id that a caller has here that did not name itself.
	detailKnownAs = "known_as"
	// detailLeftOut says which parts of the request this collector cannot use, and why.
	detailLeftOut = "left_out"
)

// derivedPrefix begins the ids of collectors that do not name themselves.
const derivedPrefix = "seed-"

// Remarks are what a collector that introduced itself has to be told beside the agreement.
type Remarks struct {
	// KnownAs is the id that the collector has here; empty if it named itself.
	KnownAs string
	// LeftOut is what cannot be used here of what it asked for, and why.
	LeftOut []string
}

// LeaveOut notes what is left out, and why.
func (r *Remarks) LeaveOut(what string) { r.LeftOut = append(r.LeftOut, what) }

// Status is that of an agreement.
func (r *Remarks) Status() *collector.Status {
	s := status.OK()
	s.Details = make(map[string]string)
	if r.KnownAs != "" {
		s.Details[detailKnownAs] = r.KnownAs
	}
	if len(r.LeftOut) > 0 {
		s.Details[detailLeftOut] = r.leftOutText()
	}
	return s
}

// leftOutText is bounded: the request is foreign.
func (r *Remarks) leftOutText() string {
	const most = 8
	if len(r.LeftOut) <= most {
		return strings.Join(r.LeftOut, "; ")
	}
	return strings.Join(r.LeftOut[:most], "; ") + "; and " + strconv.Itoa(len(r.LeftOut)-most) + " more"
}

// TakeNamespaces returns those namespaces of another collector that can be shared, sorted, each once. The others are
// left out: a peer of the seed's contract has no rule for names, and one that it keeps to itself must not cost it all.
func (r *Remarks) TakeNamespaces(in []string) ([]string, error) {
	if err := countNamespaces(in); err != nil {
		return nil, err
	}
	var taken []string
	for _, n := range in {
		if err := CheckOffered(n); err != nil {
			r.LeaveOut(status.FromError(err).GetMessage())
			continue
		}
		taken = append(taken, n)
	}
	return slices.Compact(slices.Sorted(slices.Values(taken))), nil
}

// TakeAddress returns the address that a collector without a link claims, empty if nothing could be dialled there: it
// is only recorded, unless WithDialBack allows more.
func (r *Remarks) TakeAddress(address string) string {
	if address == "" {
		return ""
	}
	if err := CheckAddress(address); err != nil {
		r.LeaveOut(status.FromError(err).GetMessage())
		return ""
	}
	return address
}

// CallerKey is what tells a caller without an id from others: its id as it spells it, else its address, else where it
// calls from and what it has.
func CallerKey(ctx context.Context, req *collector.ConnectRequest, claimed string) string {
	switch {
	case claimed != "":
		return claimed
	case req.GetAddress() != "":
		return req.GetAddress()
	}
	from := ""
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		from = Host(info.PeerAddr)
	}
	return from + "\n" + strings.Join(slices.Sorted(slices.Values(req.GetNamespaces())), "\n")
}

// DeriveID makes a collector id of a text, the same each time. An address can still be read in it.
func DeriveID(from string) string {
	if host, port, err := net.SplitHostPort(from); err == nil {
		if id := derivedPrefix + host + "-" + port; validPort(port) && name.CheckCollectorID(id) == nil {
			return id
		}
	}
	sum := sha256.Sum256([]byte(from))
	return derivedPrefix + hex.EncodeToString(sum[:8])
}

// Host is the host of an address, or all of it if it has no port.
func Host(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
