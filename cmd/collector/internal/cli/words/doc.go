// Package words makes the short texts that every output has: durations, counts and ways as people say them, and text from
// elsewhere made fit for a terminal. It knows no output and no collector.
package words
