// Package server is the server under test: a process that the test runner starts for each configuration of TLS, HTTP
// version and limits, and that hosts the ConformanceService there until it is told to stop.
//
// Words:
//
//	plain   a connect-go server and nothing else: what it passes is what can be passed
//	local   the service is on the collector that the runner talks to
//	routed  the service is on a second collector in another process; every call crosses the link between the two
package server
