package dispatcher

import (
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/status"
)

// PassOn is for a handler that answers with the error of a call that it made itself: the caller gets its code, text and
// details, as the handler's own. An error that no call returned stays as it is, nil too.
//
// Without it such an error is answered as internal, and its text stays here: what one service tells another is not meant
// for everybody, so that passing it on has to be said.
func PassOn(err error) error { return status.Reauthor(err) }

// ownWords is what the caller of a handler is told that answered with the error of a call of its own and has not passed
// it on.
func ownWords(procedure string, err error) error {
	remote, ok := errors.AsType[*connect.Error](err)
	if !ok || !remote.IsRemote() {
		return err
	}
	return connect.Errorf(connect.CodeInternal, "the handler of %s answered with the error of a call that it had made, which was %s: "+
		"it passes that on by dispatcher.PassOn, or answers with an error of its own", refusal.Spoken(procedure), remote.Code()).WithCause(err)
}
