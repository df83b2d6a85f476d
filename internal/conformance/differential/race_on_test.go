//go:build race

package differential

// raced is whether the race detector watches, which makes a call some twenty times slower.
const raced = true
