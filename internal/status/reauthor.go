package status

import (
	"errors"

	"connectrpc.com/connect/v2"
)

// Reauthor makes an error that another collector or server returned one that this process says: code, text and details
// stay, and connect no longer takes it for an accident. Other errors stay as they are. What the other one returned is the
// cause, so errors.Is and errors.As still see it.
func Reauthor(err error) error {
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
