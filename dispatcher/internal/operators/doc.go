// Package operators serves the OperatorService of a collector: who one is to it, links to log in to its console, and its audit log.
//
//	operator   whoever has the right to operate
//	rights     what a caller may do to the mesh as a whole, action by action
//	login      a link by which a browser gets a session, see package session
//
// Everybody may ask [Service.WhoAmI]: it tells callers only about themselves, and how callers are authenticated only to those who may
// describe. The others check the right themselves too, whatever stands before them: a link that logs in hands rights on, and the
// audit log has names of everybody.
//
// A session that only looks is not the operator with less: it is a principal of its own, observe:NAME, so that a policy which
// names the operator does not let it in.
package operators
