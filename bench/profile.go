package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
)

// startProfile writes the CPU profile of a contender into dir until stop, and then the profile of its allocations; it
// does nothing if dir is empty.
func startProfile(dir, id string) (stop func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	base := filepath.Join(dir, strings.ReplaceAll(id, "/", "-"))
	file, err := os.Create(base + ".cpu.pprof")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(file.Close(), writeAllocations(base+".allocs.pprof"))
	}, nil
}

func writeAllocations(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
