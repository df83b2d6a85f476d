package main

import (
	"context"
	"os"
	"os/exec"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/load"
)

// roleVariable makes a process of this program something else than the rig.
const roleVariable = "CHAOS_ROLE"

// roles are what else it can be.
var roles = map[string]func() error{
	"host": func() error { return host.Run(os.Stdin, os.Stdout) },
	"load": func() error { return load.Run(context.Background(), os.Stdin, os.Stdout) },
}

// role is a command that runs this program as something else.
func (s *Stage) role(name string) (*exec.Cmd, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(s.ctx, own)
	command.Env = append(os.Environ(), roleVariable+"="+name)
	return command, nil
}
