// Package descriptor keeps foreign protobuf descriptors apart and admits them within limits.
//
//	file       a .proto file as a descriptor
//	set        the files of one namespace; it resolves names among them and those of google/protobuf, and nowhere else
//	admission  the decision on files that a stranger sent: all of them, or every reason against them
//	sources    files with their comments, which generated code leaves out
//
//	meaning    what two descriptors have in common although their bytes differ: options understood, fields in one order
//	bare       without comments, which are the first to go where there is no room
//
// Limits are checked before anything is built, so that a refusal costs little however large the request is. The way of a
// foreign file has four steps, each of which relies on those before it:
//
//  1. [Open] counts in the encoded bytes and decodes what is not too large (only for files that come encoded)
//  2. [Inspect] looks at one file by itself: limits, names, text
//  3. [Admission] looks at all files of a request together: imports, room, twins
//  4. [Set.Build] makes descriptors, which checks every reference
//
// Sizes are bytes of the encoded FileDescriptorProto. Those of comments are counted apart: they are most of a file, and
// nobody's schema should be refused for what it explains.
//
// Sets and files are immutable once they are shared, and functions keep nothing, so all of the package is safe for
// concurrent use but a set or an admission under way, which belong to one goroutine.
package descriptor
