package policy

import (
	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/render"
)

// Texts are which of the texts to print.
type Texts struct{ Schema, Floor bool }

// Show prints the default policy, which a file of one's own can begin with, or what is asked for in its place.
func Show(out *render.Printer, which Texts) error {
	switch {
	case out.Structured():
		return out.Show(render.View{Document: map[string]string{
			"default": access.DefaultPolicy(), "floor": access.FloorPolicy(), "schema": access.PolicySchema(),
		}})
	case which.Schema:
		return out.Print(access.PolicySchema())
	case which.Floor:
		return out.Print(access.FloorPolicy())
	}
	out.Note("# more are in force with any file: collector policy show --floor")
	return out.Print(access.DefaultPolicy())
}
