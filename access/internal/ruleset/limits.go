package ruleset

// The bounds of what is read. They hold for a file. The bound of one policy keeps the depth of what needs no brackets, such as
// a chain of if and else, at what the stack of the parser, the validator and the evaluator takes with ease.
const (
	MaxBytes    = 1 << 20 // of a file
	MaxPolicies = 10_000
	maxNesting  = 64       // of brackets, and of what needs none, such as `if` and `!`
	maxPolicy   = 64 << 10 // bytes of one policy
	maxPolicyID = 64       // bytes
	maxRate     = 1_000_000
)
