// Package status translates between Connect errors and the Status that the seed's three RPCs (Connect, Serve,
// Dispatch) carry inside an OK answer.
//
// Status.code is HTTP-style; Status.details["code"] is the exact Connect code name, which the HTTP-style number cannot
// always tell: 400 and 409 and 500 stand for several codes each.
package status

import (
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
)

// CodeKey and ReasonKey are the keys of Status.details with a fixed meaning: the Connect code name, and a stable word
// for programs.
const (
	CodeKey   = "code"
	ReasonKey = "reason"
)

// clientClosedRequest is what HTTP servers log for a caller that went away. net/http has no name for it.
const clientClosedRequest = 499

// HTTP returns the HTTP-style number of a Connect code; 500 for a code that is not one. Several codes share a
// number, so it is for people and for seed collectors; programs read CodeKey.
func HTTP(code connect.Code) int32 {
	switch code {
	case connect.CodeCanceled:
		return clientClosedRequest
	case connect.CodeInvalidArgument, connect.CodeFailedPrecondition, connect.CodeOutOfRange:
		return http.StatusBadRequest
	case connect.CodeDeadlineExceeded:
		return http.StatusGatewayTimeout
	case connect.CodeNotFound:
		return http.StatusNotFound
	case connect.CodeAlreadyExists, connect.CodeAborted:
		return http.StatusConflict
	case connect.CodePermissionDenied:
		return http.StatusForbidden
	case connect.CodeResourceExhausted:
		return http.StatusTooManyRequests
	case connect.CodeUnimplemented:
		return http.StatusNotImplemented
	case connect.CodeUnavailable:
		return http.StatusServiceUnavailable
	case connect.CodeUnauthenticated:
		return http.StatusUnauthorized
	}
	return http.StatusInternalServerError
}

// Code returns the Connect code that an HTTP-style number stands for when nothing more exact is known. Of several that share a
// number it is the one that callers can do least wrong with: internal for 500, which nobody should repeat.
func Code(number int32) connect.Code {
	switch number {
	case http.StatusBadRequest:
		return connect.CodeInvalidArgument
	case http.StatusUnauthorized:
		return connect.CodeUnauthenticated
	case http.StatusForbidden:
		return connect.CodePermissionDenied
	case http.StatusNotFound:
		return connect.CodeNotFound
	case http.StatusConflict:
		return connect.CodeAlreadyExists
	case http.StatusTooManyRequests:
		return connect.CodeResourceExhausted
	case clientClosedRequest:
		return connect.CodeCanceled
	case http.StatusInternalServerError:
		return connect.CodeInternal
	case http.StatusNotImplemented:
		return connect.CodeUnimplemented
	case http.StatusServiceUnavailable:
		return connect.CodeUnavailable
	case http.StatusGatewayTimeout:
		return connect.CodeDeadlineExceeded
	}
	return connect.CodeUnknown
}

// OK is the Status of success, with the message that the seed gives it.
func OK() *collector.Status { return &collector.Status{Code: http.StatusOK, Message: "OK"} }

// FromError makes the Status of a failure: number, message and details["code"]. An error that is not a *connect.Error
// is unknown and keeps its text to itself, as Connect does it.
func FromError(err error) *collector.Status {
	code, message := connect.CodeUnknown, ""
	if own, ok := errors.AsType[*connect.Error](err); ok {
		code, message = own.Code(), own.Message()
	}
	return &collector.Status{
		Code:    HTTP(code),
		Message: strings.ToValidUTF8(message, "\uFFFD"), // or the answer would not encode
		Details: map[string]string{CodeKey: code.String()},
	}
}

// Err makes the error of a Status that another collector answered: nil for 200, otherwise one whose IsRemote is true.
// A Status without details["code"], as a seed collector sends it, gets the code that its number stands for.
func Err(s *collector.Status) error {
	if s.GetCode() == http.StatusOK {
		return nil
	}
	var code connect.Code
	if err := code.UnmarshalText([]byte(s.GetDetails()[CodeKey])); err != nil {
		code = Code(s.GetCode())
	}
	return connect.NewError(code, s.GetMessage()).WithRemote()
}
