// Package cow holds maps that are copied when they are written, so that readers need no lock.
//
// # Words
//
//	snapshot  a map that nobody modifies any more. Whoever has one may read it for ever
//	writer    makes a copy with its change and puts that in the place of the last; writers take turns
//
// It is for maps that every call reads and that change when something is registered or connected: a write costs a copy
// of the whole map.
package cow
