// Package schematest makes schemas for tests: it compiles .proto text as users do, has the small files that people had
// trouble with, and generates large ones of the size and shape of public APIs.
package schematest
