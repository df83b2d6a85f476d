// Package image reads compiled sets of .proto files, compiles them itself where it is given sources, and registers them with a
// collector.
//
// # Words
//
//	image   a set of compiled files, as `buf build -o` and `protoc --descriptor_set_out` write it
//	root    a file of an image that no other one imports; it is what is registered, with its imports
package image
