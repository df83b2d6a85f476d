package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machineFacts says what the figures depend on, and nothing that names the machine.
func machineFacts() []string {
	return []string{
		"CPU: " + cpuModel(),
		fmt.Sprintf("cores: %d (GOMAXPROCS %d)", runtime.NumCPU(), runtime.GOMAXPROCS(0)),
		"kernel: " + kernel(),
		"Go: " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
}

func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return runtime.GOOS + " " + strings.TrimSpace(string(release))
}

// cpuTime answers the user and system time of this process so far.
func cpuTime() time.Duration { return usage(syscall.RUSAGE_SELF) }

func usage(who int) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(who, &used); err != nil {
		return 0 // not on any system that has getrusage
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// watch compares what the whole machine did with what this process and its ended children did.
type watch struct {
	start      time.Time
	busy, mine time.Duration
}

func startWatch() watch {
	return watch{time.Now(), machineBusy(), usage(syscall.RUSAGE_SELF) + usage(syscall.RUSAGE_CHILDREN)}
}

// strangers answers the percentage of the machine's processor time that others used since the start.
func (w watch) strangers() float64 {
	now := startWatch()
	others := (now.busy - w.busy) - (now.mine - w.mine)
	all := now.start.Sub(w.start) * time.Duration(runtime.NumCPU())
	return max(0, 100*float64(others)/float64(all))
}

// machineBusy answers the time that all processors have spent on anything, in steps of 10 ms; 0 if the system does not tell.
func machineBusy() time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	var ticks int
	for i, field := range strings.Fields(line) {
		count, err := strconv.Atoi(field)
		if idle := i == 4 || i == 5; err != nil || idle || i > 8 { // cpu user nice system idle iowait irq softirq steal guest…
			continue
		}
		ticks += count
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
