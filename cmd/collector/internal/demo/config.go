package demo

import (
	"cmp"
	"io"
	"time"
)

// Shortest is the least time in which the story can be told.
const Shortest = 3 * time.Second

// Config says how the demo is run.
type Config struct {
	// Program is the collector binary, which is run three times.
	Program string
	// InProcess runs the collectors inside this process instead. One of them is then cut off where it would be killed.
	InProcess bool
	// For is how long calls are made. Speed tells the story so many times faster, in a part of that time; 0 means 1. The
	// time must be at least [Shortest] all the same.
	For   time.Duration
	Speed float64
	// Port is where a listens, b and c on the two after it; 0 for free ones, which also serve if any of them is taken.
	Port int
	// Seed chooses which calls of ReserveStock fail on purpose.
	Seed uint64
	// Keep is a directory for databases and logs; "" for one that is removed at the end.
	Keep string
	// Lines gets a line for every call, Notes the captions between them.
	Lines, Notes io.Writer
	// Opened, if not nil, is called with the address of the console when all collectors are up.
	Opened func(console string)
}

// Length is how long calls are made in the end.
func (c *Config) Length() time.Duration { return time.Duration(float64(c.For) / c.speed()) }

func (c *Config) speed() float64 { return cmp.Or(c.Speed, 1) }
