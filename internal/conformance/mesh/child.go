package mesh

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// Child is a collector in a process of its own: this program, started once more in another role.
type Child struct {
	Address string

	command *exec.Cmd
	stdin   io.Closer
}

// StartChild starts a child in a role, whose process calls [ServeParent].
func StartChild(ctx context.Context, role string) (*Child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program, role)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	c := &Child{command: command, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		c.Stop()
		return nil, fmt.Errorf("collector in role %s did not tell its address: %w", role, err)
	}
	c.Address = strings.TrimSpace(line)
	return c, nil
}

// Stop ends the child and waits for it.
func (c *Child) Stop() {
	_ = c.stdin.Close()
	_ = c.command.Wait()
}

// ServeParent is the child's side: it tells the parent the address of c and stops c when the parent stops the child or
// is gone itself.
func ServeParent(c *meshtest.Collector, stdin io.Reader, stdout io.Writer) error {
	defer c.Stop() //nolint:errcheck // the parent has what it wants
	if _, err := fmt.Fprintln(stdout, c.Address); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, stdin)
	return err
}
