// Package suite runs the ConnectRPC project's conformance suite, once for each way in which this program can be under
// test, and compares the counts with those of connect-go itself.
package suite
