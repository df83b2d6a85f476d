package name

import (
	"errors"
	"fmt"
	"strings"
)

// maxID is the length of the longest collector id or namespace in bytes, that of a DNS label.
const maxID = 63

// reserved is the namespace of the collectors themselves.
const reserved = "system"

// ErrInvalid is in the chain of every refusal of this package.
var ErrInvalid = errors.New("invalid name")

// CheckCollectorID refuses what is not a collector id. The error states the grammar.
func CheckCollectorID(s string) error { return checkID("collector id", s) }

// CheckNamespace refuses what is not a namespace. The error states the grammar. A reserved namespace is valid; see
// [Reserved].
func CheckNamespace(s string) error { return checkID("namespace", s) }

// Reserved reports whether a namespace belongs to the collectors themselves, so that no request may claim it:
// `system` and everything below it, with any separator.
func Reserved(namespace string) bool {
	rest, found := strings.CutPrefix(namespace, reserved)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '-' || rest[0] == '/')
}

func checkID(kind, s string) error {
	if validID(s) {
		return nil
	}
	return fmt.Errorf("%w: %s %s: want 1 to %d of a-z, 0-9, '.' and '-', with a letter or digit at both ends",
		ErrInvalid, kind, quote(s), maxID)
}

func validID(s string) bool {
	if len(s) == 0 || len(s) > maxID || !isLowerOrDigit(s[0]) || !isLowerOrDigit(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if !isLowerOrDigit(s[i]) && s[i] != '.' && s[i] != '-' {
			return false
		}
	}
	return true
}

func isLowerOrDigit(c byte) bool { return 'a' <= c && c <= 'z' || isDigit(c) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// quote makes foreign text safe for a log line and short enough to read.
func quote(s string) string {
	const longest = 80
	if len(s) <= longest {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q… (%d bytes)", s[:longest], len(s))
}
