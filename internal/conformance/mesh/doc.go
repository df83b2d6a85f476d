// Package mesh starts the collectors of a run: one in this process, and one in a process of its own that lives as long
// as this one.
package mesh
