package access

import "strconv"

// Action is what somebody asks to do. The zero value is none, and always denied.
type Action uint8

// The actions.
const (
	// Call is to call a method.
	Call Action = iota + 1
	// Describe is to ask for schemas, reflection or health.
	Describe
	// Observe is to ask for peers, traffic, history, metrics or status.
	Observe
	// Serve is to offer a namespace, or services of it, to the callers of this collector.
	Serve
	// Register is to register or unregister services by request.
	Register
	// Force is to register what breaks the schema that is registered. It is a right of its own.
	Force
	// Operate is to connect, disconnect, prune and the like.
	Operate
)

var actionWords = [...]string{
	Call: "call", Describe: "describe", Observe: "observe", Serve: "serve", Register: "register", Force: "force", Operate: "operate",
}

// Actions are all actions.
func Actions() []Action { return []Action{Call, Describe, Observe, Serve, Register, Force, Operate} }

// String is the word that policies have for the action: `call` of `Action::"call"`.
func (a Action) String() string {
	if a == 0 || int(a) >= len(actionWords) {
		return "action " + strconv.Itoa(int(a))
	}
	return actionWords[a]
}

// Resource is what an action is asked for. It is comparable. Both fields may be empty: with a procedure it is a method, or a
// service if the procedure names no method; with a namespace alone that namespace; with neither the mesh itself.
type Resource struct {
	// Namespace is the namespace in which the method is called.
	Namespace string
	// Procedure is `/package.Service/Method`, or `/package.Service` for the service as a whole.
	Procedure string
}

// String is the resource for people: `orders /shop.v1.OrderService/Create`, or `mesh`.
func (r Resource) String() string {
	switch {
	case r == Resource{}:
		return "mesh"
	case r.Namespace == "":
		return r.Procedure
	case r.Procedure == "":
		return r.Namespace
	default:
		return r.Namespace + " " + r.Procedure
	}
}
