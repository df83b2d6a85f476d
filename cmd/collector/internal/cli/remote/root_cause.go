package remote

import (
	"crypto/tls"
	"errors"
	"net"

	"connectrpc.com/connect/v2"
)

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// RootCause is the innermost text that a network error has, without the layers around it.
func RootCause(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Error()
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return bad.Err.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Error()
	}
	if verdict, ok := errors.AsType[*connect.Error](err); ok && verdict.Message() != "" {
		return verdict.Message()
	}
	return err.Error()
}
