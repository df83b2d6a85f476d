// Package policy is what `collector policy` does: it checks a policy file, decides by it without a collector, and prints what is
// in force without one.
//
//	question   who asks for what, and from where: the flags of `policy why`
//	report     what a file has, or what is wrong with it
package policy
