//go:build !race

package dispatcher_test

// raceEnabled is for tests of how often something allocates.
const raceEnabled = false
