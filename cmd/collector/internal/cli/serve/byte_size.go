package serve

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag for a number of bytes, such as 512KiB or 4MiB. Its zero value is not given.
type byteSize int

// Type is how help calls the value.
func (*byteSize) Type() string { return "size" }

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return strconv.Itoa(int(*b))
}

// Set reads a positive number with a unit; without one it is bytes.
func (b *byteSize) Set(text string) error {
	number, shift := text, 0
	for unit, bits := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			number, shift = rest, bits
		}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n <= 0 || n > math.MaxInt32>>shift {
		return errors.New("want a size such as 512KiB or 4MiB")
	}
	*b = byteSize(n << shift)
	return nil
}
