package certs_test

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/collectiverpc/collective/certs"
	"github.com/collectiverpc/collective/internal/pki"
)

// A server and whoever dials by the same source show the certificate that is in the files when they shake hands.
func Example() {
	dir, err := os.MkdirTemp("", "pki")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	authority, err := pki.Init(dir, "mesh.example", time.Now(), false) // or `collector pki init`
	if err != nil {
		panic(err)
	}
	issued, err := authority.Issue(pki.Request{Subject: pki.Subject{Kind: pki.Collector, ID: "a"}}, false) // or `collector pki issue a`
	if err != nil {
		panic(err)
	}

	source, err := certs.Follow(certs.Files{Cert: issued.Cert, Key: issued.Key, Authorities: dir + "/ca.crt"},
		slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	defer source.Close()
	fmt.Println(source.State().Leaf.URIs[0])

	if _, err := authority.Renew(issued.Subject, 0); err != nil { // or `collector pki renew a`
		panic(err)
	}
	if err := source.Reload(); err != nil { // it would notice by itself, a moment later
		panic(err)
	}
	fmt.Println(source.State().Leaf.SerialNumber.Cmp(issued.Certificate.SerialNumber) != 0)
	// Output:
	// spiffe://mesh.example/collector/a
	// true
}
