package schema

import "strings"

// ErrorText is the text of a protobuf error without its prefix, whose spaces vary on purpose.
func ErrorText(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimSpace(strings.TrimPrefix(text, "proto:"))
}
