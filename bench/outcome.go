package main

// outcome is what a case measured.
type outcome struct {
	testCase
	samples   map[string][]sample // by contender, one per round
	strangers float64             // percentage of the machine that other processes used meanwhile
}
