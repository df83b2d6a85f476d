package conn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// remarks are what a collector that introduced itself has to be told beside the agreement.
type remarks struct {
	knownAs string
	leftOut []string
}

func (r *remarks) leaveOut(what string) { r.leftOut = append(r.leftOut, what) }

// status is that of an agreement.
func (r *remarks) status() *collector.Status {
	s := status.OK()
	s.Details = make(map[string]string)
	if r.knownAs != "" {
		s.Details[detailKnownAs] = r.knownAs
	}
	if len(r.leftOut) > 0 {
		s.Details[detailLeftOut] = r.leftOutText()
	}
	return s
}

// leftOutText is bounded: the request is foreign.
func (r *remarks) leftOutText() string {
	const most = 8
	if len(r.leftOut) <= most {
		return strings.Join(r.leftOut, "; ")
	}
	return strings.Join(r.leftOut[:most], "; ") + "; and " + strconv.Itoa(len(r.leftOut)-most) + " more"
}

// takeNamespaces returns those namespaces of another collector that can be shared, sorted, each once. The others are
// left out: a peer of the seed's contract has no rule for names, and one that it keeps to itself must not cost it all.
func (r *remarks) takeNamespaces(in []string) ([]string, error) {
	if err := countNamespaces(in); err != nil {
		return nil, err
	}
	var taken []string
	for _, n := range in {
		if err := checkOffered(n); err != nil {
			r.leaveOut(errorText(err))
			continue
		}
		taken = append(taken, n)
	}
	return slices.Compact(slices.Sorted(slices.Values(taken))), nil
}

// takeAddress returns the address that a collector without a link claims, empty if nothing could be dialled there: it
// is only recorded, unless WithDialBack allows more.
func (r *remarks) takeAddress(address string) string {
	if address == "" {
		return ""
	}
	if err := checkAddress(address); err != nil {
		r.leaveOut(errorText(err))
		return ""
	}
	return address
}

// nameCaller returns the id of a caller without a link. In the seed's contract metadata.collector_id is optional: a
// caller without one goes by what its certificate proves, else by the id of the peer that was dialled at the address
// that it claims, else by a name that is made of what it says, the same each time. So does a caller whose name is none
// here, unless certificates decide.
func (m *Manager) nameCaller(ctx context.Context, req *collector.ConnectRequest, proven string, r *remarks) string {
	claimed := req.GetMetadata()[metaCollectorID]
	err := name.CheckCollectorID(claimed)
	if err == nil || m.identity != nil && claimed != "" {
		return claimed
	}
	if claimed != "" {
		r.leaveOut(err.Error())
	}
	r.knownAs = proven
	if r.knownAs == "" {
		r.knownAs = m.dialedAt(req.GetAddress())
	}
	if r.knownAs == "" {
		r.knownAs = deriveID(callerKey(ctx, req, claimed))
	}
	return r.knownAs
}

// callerKey is what tells a caller without an id from others: its id as it spells it, else its address, else where it
// calls from and what it has.
func callerKey(ctx context.Context, req *collector.ConnectRequest, claimed string) string {
	switch {
	case claimed != "":
		return claimed
	case req.GetAddress() != "":
		return req.GetAddress()
	}
	from := ""
	if info, ok := connect.CallInfoForServerContext(ctx); ok {
		from = hostOf(info.PeerAddr)
	}
	return from + "\n" + strings.Join(slices.Sorted(slices.Values(req.GetNamespaces())), "\n")
}

// deriveID makes a collector id of a text, the same each time. An address can still be read in it.
func deriveID(from string) string {
	if host, port, err := net.SplitHostPort(from); err == nil {
		if id := derivedPrefix + host + "-" + port; validPort(port) && name.CheckCollectorID(id) == nil {
			return id
		}
	}
	sum := sha256.Sum256([]byte(from))
	return derivedPrefix + hex.EncodeToString(sum[:8])
}

// dialedAt returns the id of the peer that this side has dialled at an address, empty if there is none.
func (m *Manager) dialedAt(address string) string {
	if address == "" {
		return ""
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		if c.record.GetIsInitiator() && c.record.GetAddress() == address {
			return c.peer
		}
	}
	return ""
}

// nameAnswerer returns the id of the seed peer that answered at an address: its own, or one that is made of the address.
func (m *Manager) nameAnswerer(answer *collector.ConnectResponse, address string) (string, error) {
	id := answer.GetTargetCollectorId()
	if id == m.self.ID {
		return "", errSelf(m.self.ID)
	}
	err := name.CheckCollectorID(id)
	if err == nil || m.identity != nil {
		return id, checkPeerID(m.self.ID, id)
	}
	made := deriveID(address)
	m.logger.Warn("a peer has no id that can be used, and is known by its address",
		"address", address, "known_as", made, "because", fmt.Sprint(err))
	return made, nil
}
