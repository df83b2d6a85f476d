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
	// rate_limited (resource_exhausted): The caller has called more often than the policy lets it; RetryInfo in the details says when to call again.
	// token_not_yet_valid (unauthenticated): The token is valid later only, or the clocks of the issuer and the collector differ.
	// keys_unavailable (unavailable): The keys of the token's issuer could not be read yet, so that no token of it can be verified.
	// unreachable (unavailable): Nobody who serves the method, or may serve it, can be reached now.
	// overloaded (resource_exhausted): The executor, and each other collector that was tried, runs as many calls as it takes: the handler did not run.
	// link_down (unavailable): The link failed before the call had left: the handler did not run.
}
