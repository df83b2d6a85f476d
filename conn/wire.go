package conn

import (
	"context"
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
)

var errTODO = errors.New("conn: under construction")

type wire struct{}

func (w *wire) open(ctx context.Context, p *Peer, call link.Call) (connect.ClientStream, error) {
	return nil, errTODO
}

func errNoLink(p *Peer) error {
	return connect.Errorf(connect.CodeUnavailable, "collector %q cannot be reached", p.ID)
}
