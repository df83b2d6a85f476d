// Package tutorial holds the programs of docs/tutorial.md as examples with checked output. Run them:
//
//	go test -v ./examples/tutorial
package tutorial
