package terminal

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
	// Size asks for the terminal's columns and lines; 80 and 24 if it has none.
	Size func() (width, height int)
	// Raw makes the terminal hand over each key as it is pressed, Ctrl-C too, until restore is called; nil without one.
	Raw func() (restore func(), err error)
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
	s.Size = func() (width, height int) {
		width, height, err := term.GetSize(int(os.Stdout.Fd()))
		if err != nil || width == 0 || height == 0 {
			return 80, 24
		}
		return width, height
	}
	if s.InTerminal {
		s.Raw = rawStdin
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.Width = width
	}
	return s
}

func rawStdin() (restore func(), err error) {
	fd := int(os.Stdin.Fd())
	state, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(fd, state) }, nil // it was possible a moment ago
}
