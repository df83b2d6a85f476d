package access

// Decision is whether somebody may do something, and why. It is shared by all who ask the same: do not change it.
type Decision struct {
	// Allowed is whether it may be done.
	Allowed bool `json:"allowed"`
	// Policies are the ids of the policies that decided, in the order of their file: the forbids that apply, or else the
	// permits. None if it is denied because no policy permits it.
	Policies []string `json:"policies,omitempty"`
	// Reason is a sentence for people.
	Reason string `json:"reason"`
	// Errors are of policies that could not be evaluated and therefore did not apply.
	Errors []string `json:"errors,omitempty"`
}
