// Package policy keeps the rules of this repository: it has no code but its tests, and every failure says what to do.
//
// Words used here:
//
//   - room: a directory with one responsibility, as the map in CONTRIBUTING.md has it; packages beneath it belong to it.
//   - library: the packages that users import and what those are made of; not cmd, examples, bench and this package.
//
// The rules read the source by go/parser and never build it, so they also judge what does not compile at the moment.
package policy
