package conn

import (
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
	"github.com/collectiverpc/collective/mesh"
)

// What the other side of a Connect must be able to tell apart. They are causes of connect errors and cross the wire as
// reason words in Status.details["reason"].
var (
	// errDuplicate: the pair has a link already, and that one stays.
	errDuplicate = errors.New(string(mesh.ReasonDuplicateLink))
	// errDisconnected: the connection was closed by hand; only a ConnectTo by hand opens it again.
	errDisconnected = errors.New(string(mesh.ReasonDisconnected))
	// errInUse: another process is connected under the caller's id.
	errInUse = errors.New(string(mesh.ReasonIdInUse))
	// errKeyChanged: the caller's id is known by another key.
	errKeyChanged = errors.New(string(mesh.ReasonKeyChanged))
	// errNoSecret: the caller has not proved to know the mesh secret.
	errNoSecret = errors.New(string(mesh.ReasonMeshSecret))
	// errLocalOnly: links from other machines need the mesh secret or certificates, and this collector has neither.
	errLocalOnly = errors.New(string(mesh.ReasonLocalOnly))
)

var reasons = [...]error{errDuplicate, errDisconnected, errInUse, errKeyChanged, errNoSecret, errLocalOnly}

// refusalStatus is how Connect answers a failure.
func refusalStatus(err error) *collector.Status {
	s := status.FromError(err)
	for _, reason := range reasons {
		if errors.Is(err, reason) {
			s.Details[status.ReasonKey] = reason.Error()
		}
	}
	return s
}

// errVerdict marks what the very peer refused that was asked, not whoever else answered at its address.
var errVerdict = errors.New("the peer's own verdict")

// agreementError is what another collector's answer to Connect means here: nil for success. Its verdict becomes this
// collector's to say, or servers would hide the text from the caller.
func agreementError(answer *collector.ConnectResponse, peer string) error {
	s := answer.GetStatus()
	remote, ok := errors.AsType[*connect.Error](status.Err(s))
	if !ok {
		return nil
	}
	err := connect.NewError(remote.Code(), remote.Message())
	if answer.GetTargetCollectorId() == peer {
		err = err.WithCause(errVerdict)
	}
	for _, reason := range reasons {
		if s.GetDetails()[status.ReasonKey] == reason.Error() {
			err = err.WithCause(reason)
		}
	}
	return err
}

// explainRefusal gives the refusal of a greeting the code of its reason. It is nobody's last word: what is refused may be mended
// at the other end, and who refuses may not have proved who it is.
func explainRefusal(err error) error {
	refusal, ok := errors.AsType[*link.Refusal](err)
	if !ok {
		return err
	}
	if own, ok := errors.AsType[*connect.Error](refusal.Cause); ok {
		return own
	}
	code := connect.CodeFailedPrecondition
	switch refusal.Reason {
	case errKeyChanged.Error(), link.ReasonSecret:
		code = connect.CodePermissionDenied
	case link.ReasonProof:
		code = connect.CodeUnauthenticated
	}
	explained := connect.NewError(code, refusal.Error()).WithCause(err)
	for _, reason := range reasons {
		if refusal.Reason == reason.Error() {
			explained = explained.WithCause(reason)
		}
	}
	return explained
}

func errStore(err error) error {
	if errors.Is(err, ErrStoreFull) {
		return connect.NewError(connect.CodeResourceExhausted, err.Error()).WithCause(err)
	}
	return connect.NewError(connect.CodeUnavailable,
		"the connection could not be written to the store, so nothing was changed: see this collector's log, then try again").WithCause(err)
}

// errorText is what an error says, without its code.
func errorText(err error) string {
	if own, ok := errors.AsType[*connect.Error](err); ok {
		return own.Message()
	}
	return err.Error()
}

// printable makes text from another collector fit for a log line and a table.
func printable(text string, longest int) string {
	clean := []rune(text)
	for i, r := range clean {
		if r < ' ' || r == 0x7f {
			clean[i] = ' '
		}
	}
	return string(clean[:min(len(clean), longest)])
}
