package refusal

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Enumerate joins texts, at most eight of them.
func Enumerate(texts []string) string {
	const most = 8
	if len(texts) <= most {
		return strings.Join(texts, ", ")
	}
	return strings.Join(texts[:most], ", ") + " and " + strconv.Itoa(len(texts)-most) + " more"
}

// Spoken is a procedure as people write it: package.Service/Method.
func Spoken(procedure string) string { return strings.TrimPrefix(procedure, "/") }

// Quoted makes foreign text safe and short enough to read in a message.
func Quoted(s string) string {
	const longest = 80
	if len(s) > longest {
		s = s[:longest]
	}
	return strconv.Quote(s)
}

// Bytes is a size as people write it.
func Bytes(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + " MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + " KiB"
	}
	return strconv.Itoa(n) + " B"
}

// clipped cuts a text to a number of bytes, with a sign that it was.
func clipped(text string, most int) string {
	const sign = "…"
	if len(text) <= most {
		return text
	}
	cut := most - len(sign)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + sign
}
