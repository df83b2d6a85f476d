// Package ruleset holds the policies of a collector: it reads and checks them, and evaluates them for a request.
//
//	rule     a policy of a file: its id, its text and position, the rate that it grants
//	set      rules in the order of their files, with an index by which most are skipped
//	request  what is asked: a principal, an action, a resource and an origin, in the words of the schema
//	verdict  allowed or not, the rules that decided, and those that could not be evaluated
//	problem  what is wrong with a file, with line and column
//
// The language is Cedar, by cedar-go: its parser, its validator against schema.cedarschema, its evaluator.
//
// # Reading
//
// A text is read in three steps, each of which refuses with the place of what is at fault:
//
//	scan    a first look without recursion: bytes, brackets, length and number of the policies. The parser of a hostile
//	        text could otherwise exhaust the stack, which nothing recovers from.
//	parse   the grammar, by cedar-go
//	check   each policy against the schema: what can never apply, and what would fail whenever it is evaluated
//
// A text is accepted whole or not at all: half of a file is a policy that nobody wrote.
//
// # Evaluating
//
// A request has no entities but its own: the principal with its groups, and the resource with what it is in. They are made
// anew for each evaluation, which is rare, since who evaluates remembers. There are no loops in Cedar, so an evaluation costs
// at most what the rules that concern the request have of text. Rules whose scope names one principal, group or
// resource are found by that name; a file of thousands of users costs each of them its own rules and those for everybody. The
// worst that a file can do is 10 000 rules that all concern a request: about 10 ms, once, until the answer is forgotten.
//
// A rule that fails when it is evaluated does not apply, be it a permit or a forbid, as the language has it. The check leaves
// few ways to fail: overflow of numbers, and functions that parse a text.
package ruleset
