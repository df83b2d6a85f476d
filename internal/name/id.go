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
// `system` and everything below it, with any separator. Case does not count here, or `System` would pass for it.
func Reserved(namespace string) bool {
	if len(namespace) < len(reserved) || !strings.EqualFold(namespace[:len(reserved)], reserved) {
		return false
	}
	rest := namespace[len(reserved):]
	return rest == "" || !isLetterOrDigit(rest[0])
}

func checkID(kind, s string) error {
	if validID(s) {
		return nil
	}
	return fmt.Errorf("%w: %s %s: want 1 to %d of a-z, A-Z, 0-9, '_', '.' and '-', with no '.' or '-' at either end",
		ErrInvalid, kind, quote(s), maxID)
}

func validID(s string) bool {
	if len(s) == 0 || len(s) > maxID || !isWord(s[0]) || !isWord(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) && s[i] != '.' && s[i] != '-' {
			return false
		}
	}
	return true
}

// isWord is what identifiers are made of, and what an id may begin and end with.
func isWord(c byte) bool { return isLetterOrDigit(c) || c == '_' }

func isLetterOrDigit(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// quote makes foreign text safe for a log line and short enough to read.
func quote(s string) string {
	const longest = 80
	if len(s) <= longest {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q… (%d bytes)", s[:longest], len(s))
}
