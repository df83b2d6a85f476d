package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
)

// idleLinks is the name of the measurement of links on which nothing happens; it has no contender.
const idleLinks = "idle_links"

// idlePairs times two ends are the links of the measurement.
const idlePairs = 1000

// footprint is what a process holds.
type footprint struct{ bytes, goroutines int }

// currentFootprint counts heap that is in use and stacks, after a collection.
func currentFootprint() footprint {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go of in the first
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return footprint{bytes: int(stats.HeapAlloc + stats.StackInuse), goroutines: runtime.NumGoroutine()}
}

// measureIdle makes pairs of links over loopback and prints what one end of a pair costs.
func measureIdle(ctx context.Context, pairs int, report io.Writer) (err error) {
	b := &bed{}
	defer func() { err = errors.Join(err, b.close()) }()
	before := currentFootprint()
	for range pairs {
		dialled, accepted, err := tcpPair(false)
		if err != nil {
			return err
		}
		if _, err := b.joinLinks(ctx, dialled, accepted, nil); err != nil {
			return err
		}
	}
	after := currentFootprint()
	ends := float64(2 * pairs)
	_, err = fmt.Fprintf(report, "# %s: %d links in one process\nFIGURE link_idle_memory %s KiB\nFIGURE link_idle_goroutines %s goroutines\n",
		idleLinks, 2*pairs, digits(float64(after.bytes-before.bytes)/1024/ends), digits(float64(after.goroutines-before.goroutines)/ends))
	return err
}

// runIdle measures in a process of its own, if the pattern asks for it, and answers the lines that it printed.
func runIdle(ctx context.Context, pattern *regexp.Regexp, stdout, stderr io.Writer) (string, error) {
	if !pattern.MatchString(idleLinks) {
		return "", nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, self, "-child", idleLinks)
	cmd.Stderr = stderr
	lines, err := cmd.Output()
	if err != nil {
		return "", err
	}
	_, err = stdout.Write(lines)
	return string(lines), err
}
