//go:build !race

package link_test

// raceEnabled is for tests that measure or that repeat themselves ten thousand times.
const raceEnabled = false
