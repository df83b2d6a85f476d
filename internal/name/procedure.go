package name

import (
	"fmt"
	"strings"
)

// maxSymbol is the length of the longest full name or identifier in bytes. Protobuf sets no bound; this one keeps
// foreign names out of reach of memory.
const maxSymbol = 512

// SplitProcedure parses `/package.Service/Method` strictly: exactly two slashes, a service of identifiers joined by
// dots, a method of one identifier. Any doubt is an error.
func SplitProcedure(procedure string) (service, method string, err error) {
	rest, found := strings.CutPrefix(procedure, "/")
	if !found {
		return "", "", badProcedure(procedure)
	}
	service, method, found = strings.Cut(rest, "/")
	if !found || !IsFullName(service) || !IsIdentifier(method) {
		return "", "", badProcedure(procedure)
	}
	return service, method, nil
}

// Procedure spells a method of a service. It does not check its parts.
func Procedure(service, method string) string { return "/" + service + "/" + method }

// CheckService refuses what is neither a short nor a full service name.
func CheckService(s string) error {
	if IsFullName(s) {
		return nil
	}
	return fmt.Errorf("%w: service %s: want a name such as UserService or users.v1.UserService, at most %d bytes",
		ErrInvalid, quote(s), maxSymbol)
}

// CheckMethod refuses what is not a method name.
func CheckMethod(s string) error {
	if IsIdentifier(s) {
		return nil
	}
	return fmt.Errorf("%w: method %s: want a name such as GetUser, at most %d bytes", ErrInvalid, quote(s), maxSymbol)
}

// ShortService is the last part of a service name: `UserService` of `users.v1.UserService`.
func ShortService(service string) string { return service[strings.LastIndexByte(service, '.')+1:] }

func badProcedure(s string) error {
	return fmt.Errorf("%w: procedure %s: want /package.Service/Method", ErrInvalid, quote(s))
}

// IsFullName reports whether s is identifiers joined by dots, as the name of a service, message or package is.
func IsFullName(s string) bool {
	if len(s) > maxSymbol {
		return false
	}
	for {
		part, rest, more := strings.Cut(s, ".")
		if !IsIdentifier(part) {
			return false
		}
		if !more {
			return true
		}
		s = rest
	}
}

// IsIdentifier reports whether s is one identifier, as the name of a method, field or enum value is.
func IsIdentifier(s string) bool {
	if s == "" || len(s) > maxSymbol || isDigit(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return true
}
