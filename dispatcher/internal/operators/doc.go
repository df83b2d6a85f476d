// Package operators serves the OperatorService of a collector: who one is to it, links to log in to its console, and its audit log.
//
//	operator   whoever has the right to operate
//	rights     what a caller may do to the mesh as a whole, action by action
//	login      a link by which a browser gets a session, see package session
package operators
