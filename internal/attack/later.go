package main

import "fmt"

var errNotWritten = fmt.Errorf("%w: it is not written yet", errNotRun)

func poisonStart(*Stage) ([]Figure, error) { return nil, errNotWritten }
func proxyAdmin(*Stage) ([]Figure, error)  { return nil, errNotWritten }
func takeover(*Stage) ([]Figure, error)    { return nil, errNotWritten }
func authLeaked(*Stage) ([]Figure, error)  { return nil, errNotWritten }
func goodbye(*Stage) ([]Figure, error)     { return nil, errNotWritten }
func unproven(*Stage) ([]Figure, error)    { return nil, errNotWritten }
func held(*Stage) ([]Figure, error)        { return nil, errNotWritten }
func mute(*Stage) ([]Figure, error)        { return nil, errNotWritten }
func catalogs(*Stage) ([]Figure, error)    { return nil, errNotWritten }
