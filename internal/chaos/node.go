package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/collectiverpc/collective/internal/chaos/load"
)

// nodeProgram carries out a plan by grpc-js.
//
//go:embed node/load.cjs
var nodeProgram []byte

// loadByNode has grpc-js carry out a plan of one phase, at a fifth of its rate. It is nil, and said so, where there is no grpc-js.
func (m *mesh) loadByNode(name string, p load.Plan) (*loading, error) {
	modules := m.modules()
	if _, err := exec.LookPath("node"); err != nil || modules == "" {
		fmt.Fprintln(m.out, "NOT RUN: grpc-js: there is no node, or no node_modules with it; make chaos installs them")
		return nil, nil
	}
	program := filepath.Join(m.dir, "load.cjs")
	if err := os.WriteFile(program, nodeProgram, 0o600); err != nil {
		return nil, err
	}
	p.Phases = []load.Phase{{Rate: p.Phases[0].Rate / 5, For: p.Phases[0].For}}
	command := exec.CommandContext(m.ctx, "node", program)
	command.Env = append(os.Environ(), "NODE_PATH="+modules)
	return m.loadBy(command, name, p)
}

// modules finds grpc-js from the root of the repository and from this module.
func (m *mesh) modules() string {
	for _, dir := range []string{m.Modules, "internal/clienttest/node/node_modules", "../clienttest/node/node_modules"} {
		if _, err := os.Stat(filepath.Join(dir, "@grpc", "grpc-js")); dir != "" && err == nil {
			if absolute, err := filepath.Abs(dir); err == nil {
				return absolute
			}
		}
	}
	return ""
}
