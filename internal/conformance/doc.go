// Command conformance proves with the ConnectRPC project's own suite that the mesh cannot be told from a connect-go
// server, nor its transport from a connect-go client. `make conformance` runs it as:
//
//	conformance suite   runs the suite (connectrpc.com/conformance, pinned in go.mod) on each of the following
//	plain, local, routed       a server under test, see package server
//	plain-client, client       a client under test, see package client
//	host, relay                the second process of routed and of client
//
// config.yaml says what is tested, known-failing.txt and known-flaky.txt which cases may fail, and why.
package main
