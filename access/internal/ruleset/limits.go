package ruleset

// The bounds of what is read. They hold for a file. The bound of one policy keeps the depth of what needs no brackets, such as
// a chain of if and else, at what the stack of the parser, the validator and the evaluator takes with ease.
const (
	MaxBytes    = 1 << 20 // of a file
	MaxPolicies = 10_000
	MaxNesting  = 64      // of brackets, and of what needs none, such as `if` and `!`
	MaxPolicy   = 8 << 10 // bytes of one policy
	MaxHas      = 32      // tests by `has` in one policy: the validator takes their number to the third power
	maxProblems = 100     // after which a file is not checked any further
	maxPolicyID = 64      // bytes
	maxRate     = 1_000_000
)
