package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// scriptTime is how long a client may take for all its cells.
const scriptTime = 2 * time.Minute

// script asks a client that is a program of its own, see the package's words. Its path is below the folder of clients.
func script(interpreter, path string, more ...string) asker {
	return func(ctx context.Context, r *rig, w way) []result {
		ctx, cancel := context.WithTimeout(ctx, scriptTime)
		defer cancel()
		args := []string{filepath.Join(r.config.clients, path), w.address, w.authority, r.schema}
		command := program(ctx, interpreter, append(args, more...)...)
		command.Env = append(command.Env, "NODE_EXTRA_CA_CERTS="+w.authority) // xhr2 has no option for it
		var out, problems bytes.Buffer
		command.Stdout, command.Stderr = &out, &problems
		err := command.Run()
		results := parse(out.Bytes())
		if err != nil {
			results = append(results, result{"", fmt.Sprintf("%v\n%s", err, problems.String())})
		}
		return results
	}
}

// parse reads the lines of a client. What is no result is a library's own chatter.
func parse(out []byte) []result {
	var results []result
	for line := range bytes.Lines(out) {
		var r result
		if json.Unmarshal(line, &r) == nil && r.Cell != "" {
			results = append(results, r)
		}
	}
	return results
}

// program is a command that no proxy of this machine's own gets between.
func program(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...)
	command.WaitDelay = 5 * time.Second
	command.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool {
		key, _, _ := strings.Cut(strings.ToLower(pair), "=")
		return strings.HasSuffix(key, "_proxy")
	})
	return command
}
