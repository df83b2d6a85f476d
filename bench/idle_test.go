package main

import (
	"bytes"
	"regexp"
	"testing"
)

func TestMeasureIdle(t *testing.T) {
	var report bytes.Buffer
	if err := measureIdle(t.Context(), 4, &report); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^# idle_links: 8 links in one process
FIGURE link_idle_memory \S+ KiB
FIGURE link_idle_goroutines [1-9]\S* goroutines
$`)
	if !want.Match(report.Bytes()) {
		t.Errorf("report is\n%s", &report)
	}
}
