package main

import (
	"time"

	"github.com/collectiverpc/collective/internal/rig"
)

// memory is the resident memory of a process in bytes; 0 if it cannot be told.
func (p *Process) memory() int64 { return rig.Memory(p.cmd.Process.Pid, "VmRSS") }

// cpu is the processor time that a process has used; 0 if it cannot be told.
func (p *Process) cpu() time.Duration { return rig.CPU(p.cmd.Process.Pid) }
