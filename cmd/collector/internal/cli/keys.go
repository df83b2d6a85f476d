package cli

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// key is a key that was pressed: the rune itself, or one of these for keys that write none.
type key rune

const (
	keyUp key = unicode.MaxRune + 1 + iota
	keyDown
	keyEnter
	keyEscape
	keyBackspace
	keyInterrupt // Ctrl-C
)

// readKeys hands on the keys of a terminal in raw mode until its end. Nothing can interrupt a read of a terminal, so the
// goroutine ends with the process, or with its input.
func readKeys(in io.Reader) <-chan key {
	keys := make(chan key, 16)
	go func() {
		defer close(keys)
		buffer := make([]byte, 256)
		for {
			n, err := in.Read(buffer)
			for _, k := range parseKeys(buffer[:n]) {
				keys <- k
			}
			if err != nil {
				return
			}
		}
	}()
	return keys
}

// parseKeys reads what arrived at once. An escape character alone is the key; with more behind it, a sequence.
func parseKeys(input []byte) (keys []key) {
	for len(input) > 0 {
		k, size := parseKey(input)
		if input = input[size:]; k != 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// parseKey answers 0 for a key that means nothing here.
func parseKey(input []byte) (k key, size int) {
	switch input[0] {
	case '\r', '\n':
		return keyEnter, 1
	case 0x7f, 0x08:
		return keyBackspace, 1
	case 0x03, 0x04: // Ctrl-D says as much
		return keyInterrupt, 1
	case 0x1b:
		return parseEscape(input)
	}
	r, size := utf8.DecodeRune(input)
	if r == utf8.RuneError || !unicode.IsPrint(r) {
		return 0, size
	}
	return key(r), size
}

// parseEscape reads CSI and SS3 sequences to their final byte.
func parseEscape(input []byte) (k key, size int) {
	if len(input) < 3 || input[1] != '[' && input[1] != 'O' {
		return keyEscape, 1
	}
	size = 3
	for size < len(input) && (input[size-1] < 0x40 || input[size-1] > 0x7e) {
		size++
	}
	switch input[size-1] {
	case 'A':
		return keyUp, size
	case 'B':
		return keyDown, size
	}
	return 0, size
}
