package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// resultsFile is written by a run of all cases, in the directory of the bench module.
const resultsFile = "RESULTS.md"

func writeResults(outcomes []outcome, idle string, opts options) error {
	return os.WriteFile(resultsFile, []byte(resultsText(outcomes, idle, opts)), 0o644)
}

func resultsText(outcomes []outcome, idle string, opts options) string {
	var b strings.Builder
	b.WriteString("# Results of the last `make bench`\n\n")
	fmt.Fprintf(&b, "Written by the run itself: %d rounds of %v for each contender, taking turns; medians, and the lowest and\n"+
		"highest round. A ratio is ours ÷ theirs within one round. [README.md](README.md) says what is compared with what.\n\n",
		opts.rounds, opts.length)
	for _, fact := range machineFacts() {
		fmt.Fprintf(&b, "- %s\n", fact)
	}
	b.WriteString("\n## Ratios\n\n" + markdownTable(ratioRows(outcomes)))
	b.WriteString("\n## Figures\n\n" + markdownTable(figureRows(outcomes)))
	b.WriteString("\n## Idle links\n\n```\n" + idle + "```\n")
	return b.String()
}

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
