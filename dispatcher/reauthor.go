package dispatcher

import (
	"github.com/collectiverpc/collective/internal/status"
)

// PassOn is for a handler that answers with the error of a call that it made itself: the caller gets its code, text and
// details, as the handler's own. An error that no call returned stays as it is, nil too.
//
// Without it such an error is answered as internal, and its text stays here: what one service tells another is not meant
// for everybody, so that passing it on has to be said.
func PassOn(err error) error { return status.Reauthor(err) }
