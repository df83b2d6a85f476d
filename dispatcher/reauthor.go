package dispatcher

import (
	"errors"

	"connectrpc.com/connect/v2"
)

// reauthor makes a peer's verdict one that this collector passes on as it is. Without it connect would take a remote
// error in a handler's hands for an accident and answer internal without a text. Only for forwarding.
func reauthor(err error) error {
	remote, ok := errors.AsType[*connect.Error](err)
	if !ok || !remote.IsRemote() {
		return err
	}
	own := connect.NewError(remote.Code(), remote.Message()).WithCause(err)
	for _, detail := range remote.Details() {
		own = own.WithDetail(detail)
	}
	return own
}
