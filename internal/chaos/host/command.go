package host

import (
	"bufio"
	"fmt"
	"os"
)

// obey does what the lines say, and ends the process with the last: who started it is gone.
func obey(lines *bufio.Reader, told func(string) error) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			os.Exit(0)
		}
		if err := told(line[:len(line)-1]); err != nil {
			fmt.Fprintln(os.Stderr, "host:", err)
			os.Exit(1)
		}
	}
}
