package outbox

import "errors"

// Why nothing was sent, or not all.
var (
	// ErrOver says that the link is over.
	ErrOver = errors.New("link: over")
	// ErrStalled says that the receiver does not read.
	ErrStalled = errors.New("link: the receiver does not read")
	// ErrWithdrawn says that the call was over before the message had left.
	ErrWithdrawn = errors.New("link: the call is over")
)
