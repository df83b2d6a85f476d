package differential

import (
	"math/rand/v2"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// source makes random things from a seed.
type source struct{ *rand.Rand }

// newSource gives the two ends of a call a sequence each, from one seed.
func newSource(seed, end uint64) source { return source{rand.New(rand.NewPCG(seed, end))} }

// chance is true in n of 100 cases.
func (s source) chance(n int) bool { return s.IntN(100) < n }

// data is mostly short and sometimes as long as 1 MiB.
func (s source) data() []byte {
	most := 256
	switch n := s.IntN(100); {
	case n < 10:
		return nil
	case n < 12:
		most = 1 << 20
	case n < 20:
		most = 128 << 10
	case n < 40:
		most = 16 << 10
	}
	data := make([]byte, s.IntN(most+1))
	if s.chance(30) {
		return data // zeroes compress well
	}
	for i := range data {
		data[i] = byte(s.Uint32())
	}
	return data
}

// metadata adds random headers. Their names begin with X-.
func (s source) metadata(to *connect.Header) {
	for range s.IntN(5) {
		name := "X-" + s.word()
		if s.chance(20) {
			to.Add(name+"-Bin", connect.EncodeBinaryHeader([]byte(s.text(20))))
			continue
		}
		for range 1 + s.IntN(3) {
			to.Add(name, s.value())
		}
	}
}

func (s source) word() string {
	word := make([]byte, 1+s.IntN(8))
	for i := range word {
		word[i] = byte('a' + s.IntN(26))
	}
	return string(word)
}

// value is what HTTP lets through as it is: printable, with blanks only inside.
func (s source) value() string {
	value := make([]byte, s.IntN(40))
	for i := range value {
		value[i] = byte(' ' + s.IntN(0x7f-' '))
	}
	return strings.TrimSpace(string(value))
}

// text has what protocols have to escape.
func (s source) text(most int) string {
	alphabet := []rune("abc %\"\\\n\t\x00<>&é世界🙂\u2028")
	text := make([]rune, s.IntN(most+1))
	for i := range text {
		text[i] = alphabet[s.IntN(len(alphabet))]
	}
	return string(text)
}

// failure is an error as a handler may author it, with details of a type that everybody knows and of one that nobody does.
func (s source) failure() *connect.Error {
	text := strings.Trim(s.text(80), " ") // HTTP drops blanks at the ends, and gRPC-Web does not escape them
	err := connect.NewError(connect.Code(1+s.IntN(16)), text)
	for range s.IntN(4) {
		detail := &connect.ErrorDetail{Type: "nobody.knows.This", Value: []byte(s.text(50))}
		if known, failed := connectproto.NewErrorDetail(wrapperspb.String(s.text(50))); failed == nil && s.chance(50) {
			detail = known
		}
		err = err.WithDetail(detail)
	}
	return err
}
