package dial

import (
	"context"
	"errors"
	"net"
	"syscall"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
)

// ErrPlaintext refuses a dial without TLS that would leave loopback.
var ErrPlaintext = errors.New("without TLS only loopback addresses are dialled")

// Explain says why nothing came of a dial, in words that help whoever gave the address.
// An error that a collector answered has its words already and stays as it is. Others get a code: those of a situation that
// may pass are unavailable, and those that somebody has to mend are not. The cause stays in the chain.
func Explain(address string, err error) error {
	unproven := errors.Is(err, carrier.ErrCertificateRefused)
	if _, ok := errors.AsType[*connect.Error](err); ok && !unproven {
		return err
	}
	code, advice := connect.CodeUnavailable, "check the address and the network"
	what := "cannot connect to " + address
	var dns *net.DNSError
	switch {
	case unproven:
		code, advice = connect.CodeUnauthenticated, "give this collector one that is valid now, of an authority that is trusted there"
	case errors.Is(err, ErrPlaintext):
		code, advice = connect.CodeFailedPrecondition, "configure TLS, or allow plaintext explicitly"
	case errors.Is(err, syscall.ECONNREFUSED):
		what, advice = "no collector listens at "+address, "start it there, or correct the address"
	case errors.As(err, &dns):
		what, advice = "the host of "+address+" is not known", "correct the name"
	case errors.Is(err, context.DeadlineExceeded):
		what = "no answer from " + address
	case errors.Is(err, context.Canceled):
		code, advice = connect.CodeCanceled, "try again"
	}
	return connect.Errorf(code, "%s (%v): %s", what, err, advice).WithCause(err)
}
