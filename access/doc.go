// Package access knows who calls and what they may do. It authenticates callers, decides by policies in Cedar, and says why.
//
//	guard, err := access.New(access.WithPolicyFile("policy.cedar"))
//	…
//	d, err := dispatcher.New("orders-1", "127.0.0.1:50051", []string{"orders"}, dispatcher.WithAccess(guard))
//
// A handler asks for who called:
//
//	principal, ok := access.PrincipalFromContext(ctx)
//
// # Words
//
//	principal      who is asking: a user, a service, a collector, or nobody that is known (anonymous)
//	origin         where a call entered the mesh: network, TLS, entrance, and the collector that brought it over a link
//	caller         a principal and an origin: what travels with a call
//	credentials    what a connection or request shows of who it is
//	authenticator  turns credentials of one kind into a principal
//	action         what is asked for: call, describe, observe, serve, register, force, operate
//	resource       what it is asked for: a method, a service, a namespace, or the mesh itself
//	decision       allowed or not, the policies that decided, and a sentence that says so
//	guard          authenticates, decides, limits rates, and reports what is to be audited
//
// # The default policy
//
// Without a policy file the policies of [DefaultPolicy] are in force: on loopback anonymous callers may call and describe;
// callers that are authenticated may do so from everywhere; proven collectors may serve, call and describe; the group
// operators may do everything; everything else is denied. A policy file replaces them. The policies of [FloorPolicy] hold with
// any file, so that nobody locks out the process itself or its operators by mistake; a forbid still overrides them.
//
// Every decision is default deny, and forbid overrides permit. A policy that fails when it is evaluated does not apply.
//
// # Costs
//
// A [Caller] is made once for a connection or a credential. [Guard.Decide] remembers decisions by caller, action and
// resource: one that is remembered is a look-up in a map without a lock or an allocation. What is remembered is bounded and
// forgotten when policies are loaded again.
package access
