// Package wire looks at the answers of a collector frame by frame, as proxies do: what a client library makes of them may
// hide that they are not what the protocol says.
package wire
