// Package descriptor keeps foreign protobuf descriptors apart and admits them within limits.
//
//	file       a .proto file as a descriptor
//	set        the files of one namespace; it resolves names among them and those of google/protobuf, and nowhere else
//	admission  the decision on files that a stranger sent: all of them, or every reason against them
//	sources    files with their comments, which generated code leaves out
//
// Limits are checked before anything is built, so that a refusal costs little however large the request is.
package descriptor
