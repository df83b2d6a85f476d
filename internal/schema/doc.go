// Package schema compares protobuf schemas: whole ones element by element, and methods by fingerprint.
//
//	fingerprint  a hash of one method with all the types that its messages reach
//	shape        what two builds must agree on to understand each other, in binary and in JSON: names, numbers, types,
//	             cardinalities, presence, oneofs, defaults, enum values; not comments, options, files or order
//
// Equal fingerprints mean equal shapes. Different ones mean that the schemas were changed, compatibly or not.
package schema
