// Package readme holds the snippets of the seed's README, and the names of its API, as a test that compiles and runs them
// against this project. The package dispatch of the seed is package dispatcher here; what differs beside that stands in
// docs/seed.md. Run them:
//
//	go test -v ./examples/seed/readme
package readme
