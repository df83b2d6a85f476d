// Package load calls collectors at a fixed rate, by clients that are not this project's.
//
//	plan     what is called, how often, by which clients, written to what file
//	phase    a part of it with a rate of its own
//	planned  when a call should begin. It does not wait for the answers of others, and its time is counted from there even if
//	         it begins later, so that nothing slow hides what waits behind it
//	client   grpc-go, or connect-go over HTTP/1.1 or HTTP/2
//	front    a collector that a client calls; of several it takes one that lets itself be dialled
package load
