package network

import "time"

// Fault is what happens to what goes through a direction of a cable. The zero value is nothing.
type Fault struct {
	// Lost is the share of packets that are lost, 1 for all.
	Lost float64
	// BitsPerSecond is how much goes through; 0 for as much as there is.
	BitsPerSecond int
}

// quantum is the most that waits for its turn in a slow direction, as in the buffer of a router.
const quantum = 64 << 10

// delay is how long so many bytes take.
func (f Fault) delay(bytes int) time.Duration {
	return time.Duration(bytes) * 8 * time.Second / time.Duration(f.BitsPerSecond)
}
