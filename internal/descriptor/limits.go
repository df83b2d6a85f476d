package descriptor

// What is allowed unless somebody decides otherwise; see [Limits]. The largest files of public APIs, such as that of
// Google's Compute Engine, have about a million bytes and twenty thousand declarations.
const (
	FileBytes    = 2 << 20 // of one file, encoded
	Dependencies = 64      // imports of one file
	Depth        = 32      // of messages in messages, and of imports
	Fields       = 50_000  // declarations of one file
	Files        = 1000    // of one namespace
)

// FieldsOf is how many declarations a file of so many bytes may have unless somebody decides otherwise: [Fields], and as
// many more as it is larger than [FileBytes].
func FieldsOf(fileBytes int) int { return max(Fields, fileBytes/FileBytes*Fields) }

// Limits bounds the files of one namespace. Comments count in none but the last: a file whose comments have no room is
// taken without them.
type Limits struct {
	FileBytes    int // of one file, encoded
	Dependencies int // imports of one file
	Companions   int // files of one request beside the first
	Depth        int // of messages within messages, and of imports of imports
	Fields       int // fields, enum values, methods and other declarations of one file
	Files        int // all that the namespace holds
	Bytes        int // of all that the namespace holds, encoded
	Comments     int // bytes of the comments of all that the namespace holds
}

// messagesPerField is how many messages a descriptor, and its comments, may have for each declaration that is allowed:
// declarations have options.
const messagesPerField = 4

// MaxComments is the bytes that the comments of one file may have; those of one with more are left out.
const MaxComments = 8 << 20

// WireBytes is the size of the largest file that [Open] looks at, comments included.
func (l Limits) WireBytes() int { return l.FileBytes + MaxComments }
