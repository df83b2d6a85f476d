package main

import (
	"fmt"
	"os"
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
	for _, fact := range append(machineFacts(), strangersFact(outcomes)) {
		fmt.Fprintf(&b, "- %s\n", fact)
	}
	b.WriteString("\n## Ratios\n\n" + markdownTable(ratioRows(outcomes)))
	b.WriteString("\n## Figures\n\n" + markdownTable(figureRows(outcomes)))
	b.WriteString("\n## Idle links\n\n```\n" + idle + "```\n")
	return b.String()
}

// strangersFact says how busy the machine was with other things; callers that wait for a processor bunch together, which
// makes every contender look cheaper, and the chatty ones most.
func strangersFact(outcomes []outcome) string {
	shares := make([]float64, len(outcomes))
	for i, o := range outcomes {
		shares[i] = o.strangers
	}
	s := spreadOf(shares)
	return fmt.Sprintf("other processes used %.0f %% of the machine (%.0f–%.0f %% from case to case)", s.median, s.low, s.high)
}
