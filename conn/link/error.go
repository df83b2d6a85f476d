package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// Error says that the link, not the handler, failed a call. It is the cause of an unavailable [*connect.Error] whose
// IsRemote is false; find it with [errors.As].
type Error struct {
	// Sent is false if the request surely never left this process or was surely not accepted: it may be sent again,
	// whatever the method does. True means that the handler may have run.
	Sent bool
	// Reason says why the link is gone or refuses calls.
	Reason string
}

func (e *Error) Error() string {
	if e.Sent {
		return "link: " + e.Reason + "; the request had left and may have been executed"
	}
	return "link: " + e.Reason + "; the request was not sent"
}

// ErrClosed is the reason of a link that this end closed, [ErrDrained] that of one that ended after a GOAWAY of either
// end, and [ErrSilent] that of one whose other end stopped answering pings.
var (
	ErrClosed  = errors.New("link: closed")
	ErrDrained = errors.New("link: drained")
	ErrSilent  = errors.New("link: the other end does not answer pings")
)

// ErrHeaders is the cause of the resource_exhausted that a call gets whose request headers are more than a link takes. It
// was not sent; the link goes on.
var ErrHeaders = errors.New("link: request headers too large")

var (
	errGoaway   = errors.New("link: the other end is draining")
	errFlood    = errors.New("link: the other end asks for more answers than it reads")
	errHolds    = errors.New("link: the other end has sent more than this one may hold")
	errStuck    = errors.New("link: the other end has taken nothing for 5 s")
	errTooLarge = errors.New("link: message too large")
	errRawOnly  = errors.New("link: this codec carries raw messages only")
)

// fullDetail tells the refusal of a call for which the other end had no room from what handlers answer.
var fullDetail = &connect.ErrorDetail{Type: "collector.link.Full", Value: []byte{}}

// Full reports whether err is the refusal of a call by an other end that ran as many calls as it takes, see [Limits]. Such a call
// did not run.
func Full(err error) bool {
	refused, ok := errors.AsType[*connect.Error](err)
	return ok && refused.IsRemote() && refused.Code() == connect.CodeResourceExhausted &&
		slices.ContainsFunc(refused.Details(), func(d *connect.ErrorDetail) bool { return d.Type == fullDetail.Type })
}

// unavailable is what a call gets that the link to peer failed.
func unavailable(peer string, sent bool, reason error) error {
	cause := &Error{Sent: sent, Reason: reasonText(reason)}
	return connect.Errorf(connect.CodeUnavailable, "link to %s: %s", peer, cause.Error()[len("link: "):]).WithCause(cause)
}

func neverOpened(id uint64) error {
	return frame.Malformed(fmt.Sprintf("call %d was never opened", id))
}

func reasonText(err error) string {
	if errors.Is(err, io.EOF) {
		return "closed by the other end"
	}
	text := err.Error()
	if len(text) > len("link: ") && text[:len("link: ")] == "link: " {
		return text[len("link: "):]
	}
	return text
}

// callerGaveUp turns the error of a caller's context into what connect reports for it.
func callerGaveUp(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return connect.NewError(connect.CodeDeadlineExceeded, "the deadline passed before the answer came").WithCause(err)
	}
	return connect.NewError(connect.CodeCanceled, "the caller canceled the call").WithCause(err)
}

// handlerError is what the caller of a handler that returned err is told. As in connect, only errors that the handler wrote
// itself keep their text: others are not for callers.
func handlerError(err error) *connect.Error {
	var own *connect.Error
	switch {
	case errors.As(err, &own) && own != nil:
		if own.IsRemote() {
			return connect.NewError(connect.CodeInternal, "")
		}
		return own
	case errors.Is(err, context.Canceled):
		return connect.NewError(connect.CodeCanceled, "")
	case errors.Is(err, context.DeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, "")
	}
	return connect.NewError(connect.CodeUnknown, "")
}
