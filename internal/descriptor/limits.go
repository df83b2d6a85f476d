package descriptor

// What is allowed unless somebody decides otherwise; see [Limits].
const (
	FileBytes    = 256 << 10
	Dependencies = 64
	Depth        = 32
	Fields       = 10_000
	Files        = 1000
)

// Limits bounds the files of one namespace.
type Limits struct {
	FileBytes    int // of one file, encoded
	Dependencies int // imports of one file
	Companions   int // files of one request beside the first
	Depth        int // of messages within messages, and of imports of imports
	Fields       int // fields, enum values, methods and other declarations of one file
	Files        int // all that the namespace holds
	Bytes        int // of all that the namespace holds, encoded
}
