package terminal

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// Key is a key that was pressed: the rune itself, or one of these for keys that write none.
type Key rune

// Keys that write no character.
const (
	KeyUp Key = unicode.MaxRune + 1 + iota
	KeyDown
	KeyEnter
	KeyEscape
	KeyBackspace
	KeyInterrupt // Ctrl-C
)

// ReadKeys hands on the keys of a terminal in raw mode until its end. Nothing can interrupt a read of a terminal, so the
// goroutine ends with the process, or with its input.
func ReadKeys(in io.Reader) <-chan Key {
	keys := make(chan Key, 16)
	go func() {
		defer close(keys)
		buffer := make([]byte, 256)
		for {
			n, err := in.Read(buffer)
			for _, k := range ParseKeys(buffer[:n]) {
				keys <- k
			}
			if err != nil {
				return
			}
		}
	}()
	return keys
}

// ParseKeys reads what arrived at once. An escape character alone is the key; with more behind it, a sequence.
func ParseKeys(input []byte) (keys []Key) {
	for len(input) > 0 {
		k, size := parseKey(input)
		if input = input[size:]; k != 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// parseKey answers 0 for a key that means nothing here.
func parseKey(input []byte) (k Key, size int) {
	switch input[0] {
	case '\r', '\n':
		return KeyEnter, 1
	case 0x7f, 0x08:
		return KeyBackspace, 1
	case 0x03, 0x04: // Ctrl-D says as much
		return KeyInterrupt, 1
	case 0x1b:
		return parseEscape(input)
	}
	r, size := utf8.DecodeRune(input)
	if r == utf8.RuneError || !unicode.IsPrint(r) {
		return 0, size
	}
	return Key(r), size
}

// parseEscape reads CSI and SS3 sequences to their final byte.
func parseEscape(input []byte) (k Key, size int) {
	if len(input) < 3 || input[1] != '[' && input[1] != 'O' {
		return KeyEscape, 1
	}
	size = 3
	for size < len(input) && (input[size-1] < 0x40 || input[size-1] > 0x7e) {
		size++
	}
	switch input[size-1] {
	case 'A':
		return KeyUp, size
	case 'B':
		return KeyDown, size
	}
	return 0, size
}
