package terminal

import (
	"io"
	"os"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// MaxInput bounds what is read of a file or of stdin, in bytes.
const MaxInput = 64 << 20

// ReadData resolves -d: JSON itself, @FILE, or for stdin -, @- or @.
func (s Streams) ReadData(data string) ([]byte, error) {
	path, isFile := strings.CutPrefix(data, "@")
	switch {
	case data == "-" || data == "@-" || data == "@":
		return s.ReadStdin("-d "+data, "echo '{}' | collector call … -d "+data, "-d '{}'")
	case !isFile:
		return []byte(data), nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, failure.Usagef("-d: %v", err)
	}
	return content, nil
}

// ReadStdin reads what is piped in. A terminal would wait for somebody who does not know it.
func (s Streams) ReadStdin(flag string, hints ...string) ([]byte, error) {
	if s.InTerminal {
		return nil, failure.Usagef("%s reads stdin, which is this terminal", flag).Hint(hints...)
	}
	data, err := io.ReadAll(io.LimitReader(s.In, MaxInput+1))
	if err != nil {
		return nil, failure.Newf("reading stdin: %v", err)
	}
	if len(data) > MaxInput {
		return nil, failure.Usagef("%s: stdin has more than 64 MiB", flag)
	}
	return data, nil
}
