//go:build !race

package dispatcher_test

// raceEnabled is for tests that repeat themselves ten thousand times; `make test` also runs them without the detector.
const raceEnabled = false
