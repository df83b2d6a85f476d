package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChildAnswersEachOrderWithASample(t *testing.T) {
	t.Parallel()
	var report bytes.Buffer
	orders := strings.NewReader("1000000\n2000000\n") // two rounds, 1 and 2 ms
	if err := runChild(t.Context(), "unary_c1/grpc", "", orders, &report); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&report)
	for range 2 {
		var s sample
		if err := decoder.Decode(&s); err != nil {
			t.Fatal(err)
		}
		if s.Calls == 0 || s.CPU == 0 || s.Elapsed == 0 || s.P50 == 0 || s.Allocs == 0 || s.Garbage == 0 || s.Bytes != s.Calls*small {
			t.Errorf("sample is not filled: %+v", s)
		}
	}
	if decoder.More() {
		t.Error("more samples than orders")
	}
}

func TestChildWritesProfiles(t *testing.T) { // not parallel: a process has one CPU profile
	dir := t.TempDir()
	if err := runChild(t.Context(), "unary_c1/wire", dir, strings.NewReader("1000000\n"), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"unary_c1-wire.cpu.pprof", "unary_c1-wire.allocs.pprof"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChildRefusesAnUnknownContender(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "unary_c1", "unary_c1/none", "none/grpc"} {
		if err := runChild(t.Context(), id, "", strings.NewReader(""), &bytes.Buffer{}); err == nil {
			t.Errorf("%q was accepted", id)
		}
	}
}
