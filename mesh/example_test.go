package mesh_test

import (
	"fmt"

	"github.com/collectiverpc/collective/mesh"
)

// What a call may be repeated for without doing it twice.
func ExampleReasons() {
	for _, d := range mesh.Reasons() {
		if d.Transient && !d.Ran {
			fmt.Printf("%s (%s): %s\n", d.Reason, d.Codes[0], d.Meaning)
		}
	}
	// Output:
	// unreachable (unavailable): Nobody who serves the method, or may serve it, can be reached now.
	// link_down (unavailable): The link failed before the call had left: the handler did not run.
}
