package words

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Clean makes text from elsewhere fit for one line of a terminal: no control characters, so no escape sequences.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || isControl(r) {
			return ' '
		}
		return r
	}, s)
}

// EscapeControls writes DEL and the C1 control characters, which JSON and text format leave as they are and which a
// terminal obeys, as escapes. Outside of strings neither has any.
func EscapeControls(text string) string {
	if !strings.ContainsFunc(text, isControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isControl(r rune) bool { return 0x7f <= r && r < 0xa0 }

// Cut shortens a text to at most n runes; the last one tells that there was more.
func Cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	if n <= 0 {
		return ""
	}
	return string([]rune(text)[:n-1]) + "…"
}
