package cli

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Streams is where a command reads and writes, and what it may assume about it.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// InTerminal and OutTerminal tell whether a person is at the other end.
	InTerminal, OutTerminal bool
	// Width is the terminal's width in columns; 0 if there is none.
	Width int
	// Env looks an environment variable up; "" if it is not set.
	Env func(string) string
	// Now is the clock for texts such as "3 s ago".
	Now func() time.Time
}

// Standard is the process's own streams and environment.
func Standard() Streams {
	s := Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		Env:         os.Getenv,
		Now:         time.Now,
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.Width = width
	}
	return s
}
