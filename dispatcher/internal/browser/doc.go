// Package browser refuses what a web page makes a browser ask of a collector for somebody else.
//
//	another site   a page whose origin is neither the collector's own nor listed
//	rebound name   a name that its owner made to point at this collector, so that the page seems to be the collector's own
//
// # Which requests are looked at
//
// A request with Origin or Sec-Fetch-Site, wherever it arrived. On loopback also a GET or HEAD without them: that is what a page at
// a rebound name sends. Everything else passes: gRPC, links, and programs beyond loopback, by whatever name their Host has.
//
// # Which names are known
//
// localhost, every IP address, which nobody can make point elsewhere, names that are listed, that of the collector's own address,
// and any name with TLS, whose certificate a rebound name does not fit. A listed origin passes by any name: a page at a rebound
// name has another.
package browser
