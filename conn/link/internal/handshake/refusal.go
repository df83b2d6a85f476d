package handshake

import (
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/mesh"
)

// The reasons of refusals of this package.
const (
	ReasonVersion   = "version"
	ReasonReflected = "reflected"
	ReasonBinding   = "binding"
	ReasonProof     = "proof"
	ReasonSecret    = string(mesh.ReasonMeshSecret)
)

// Refusal is why there is no link, as package link says it.
type Refusal struct {
	Reason, Text string
	Remote       bool
	Cause        error
}

func (r *Refusal) Error() string { return r.Text }

// Unwrap returns the error of Accept.
func (r *Refusal) Unwrap() error { return r.Cause }

func refuse(reason, text string) *Refusal { return &Refusal{Reason: reason, Text: text} }

// ReadRefusal returns what a REFUSED says, as an error.
func ReadRefusal(body []byte) error {
	f, err := frame.ReadRefused(body)
	if err != nil {
		return err
	}
	return &Refusal{Reason: f.Reason, Text: f.Text, Remote: true}
}
