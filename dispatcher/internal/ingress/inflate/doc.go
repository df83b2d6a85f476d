// Package inflate takes compressed messages apart within bounds, beside the largest message: how much longer than it came one
// may become.
//
// Words:
//
//	ratio   of a message without its compression to what came, see [New]; messages up to [FreeBytes] may have any
//	stated  the length without compression that gzip writes at its end, by which the memory for it was taken before
package inflate
