package introduction

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/name"
)

// Bounds of what a collector may say of itself.
const (
	maxNamespaces = 1000
	maxAddress    = 261 // a DNS name, a colon and a port
)

// CleanNamespaces checks namespaces of this collector and returns them sorted, each once. Reserved ones are refused:
// they belong to the collectors themselves.
func CleanNamespaces(in []string) ([]string, error) {
	if err := countNamespaces(in); err != nil {
		return nil, err
	}
	for _, n := range in {
		if err := CheckOffered(n); err != nil {
			return nil, err
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(in))), nil
}

func countNamespaces(in []string) error {
	if len(in) > maxNamespaces {
		return connect.Errorf(connect.CodeInvalidArgument, "%d namespaces, at most %d may be offered", len(in), maxNamespaces)
	}
	return nil
}

// CheckOffered refuses what cannot be shared.
func CheckOffered(namespace string) error {
	if err := name.CheckNamespace(namespace); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err.Error()).WithCause(err)
	}
	if name.Reserved(namespace) {
		return connect.Errorf(connect.CodePermissionDenied, "namespace %q is reserved for collectors themselves: offer another", namespace)
	}
	return nil
}

// CheckAddress refuses what is not host:port.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	switch {
	case len(address) > maxAddress:
		err = fmt.Errorf("longer than %d bytes", maxAddress)
	case err != nil:
	case host == "":
		err = errors.New("the host is missing")
	case !validPort(port):
		err = errors.New("the port is no number from 1 to 65535")
	default:
		return nil
	}
	return connect.Errorf(connect.CodeInvalidArgument, "address %.80q is not host:port (%v): write it like 127.0.0.1:50051", address, err)
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// CheckPeerID refuses what cannot be another collector's id.
func CheckPeerID(self, id string) error {
	if err := name.CheckCollectorID(id); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err.Error()).WithCause(err)
	}
	if id == self {
		return ErrSelf(self)
	}
	return nil
}

// ErrSelf refuses a collector that would connect to itself.
func ErrSelf(id string) error {
	return connect.Errorf(connect.CodeInvalidArgument, "collector %q cannot connect to itself: give the address of another one", id)
}
