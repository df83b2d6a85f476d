package terminal_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/terminal"
)

func TestParseKeys(t *testing.T) {
	t.Parallel()
	for input, want := range map[string][]terminal.Key{
		"sé?":                     {'s', 'é', '?'},
		"\r":                      {terminal.KeyEnter},
		"\x1b":                    {terminal.KeyEscape},
		"\x1b[A\x1b[Bq":           {terminal.KeyUp, terminal.KeyDown, 'q'},
		"\x1bOA":                  {terminal.KeyUp},
		"\x1b[1;5Ax":              {terminal.KeyUp, 'x'},
		"\x1b[15~j":               {'j'},
		"\x1b[":                   {terminal.KeyEscape, '['},
		"\x7f\x08":                {terminal.KeyBackspace, terminal.KeyBackspace},
		"\x03\x04":                {terminal.KeyInterrupt, terminal.KeyInterrupt},
		"\x00\x01\xff\x1b[200~ab": {'a', 'b'},
	} {
		if diff := cmp.Diff(want, terminal.ParseKeys([]byte(input))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", input, diff)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte("s\x1b[A\x1b"))
	f.Fuzz(func(t *testing.T, input []byte) {
		if n := len(terminal.ParseKeys(input)); n > len(input) {
			t.Errorf("%d keys of %d bytes", n, len(input))
		}
	})
}
