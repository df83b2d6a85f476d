// Package schema compares protobuf schemas: whole ones element by element, and methods by fingerprint.
//
//	fingerprint  a hash of one method with all the types that its messages reach
//	shape        what two builds must agree on to understand each other, in binary and in JSON: names, numbers, types,
//	             cardinalities, presence, oneofs, defaults, enum values; not comments, options, files or order
//
//	change       what is different in one element of two versions; breaking if programs of both then misunderstand
//	             each other
//	skew         the changes between two versions that are both in use, of which neither is the older one
//	rule         the name of what a breaking change breaks, as `buf breaking` spells it, so that it can be looked up
//
// Equal fingerprints mean equal shapes. Different ones mean that the schemas were changed, compatibly or not.
//
// Everything here reads descriptors and nothing else, and keeps none of them. What it is given has been admitted: its size
// is bounded and every reference in it is resolved. No function has state, so all are safe for concurrent use.
//
// The files stand on each other so: index and comparison at the bottom, a file of rules for each kind of element on them,
// and on top what others ask for, Compare, Skew and Fingerprint.
package schema
