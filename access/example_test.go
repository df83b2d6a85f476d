package access_test

import (
	"fmt"
	"log"

	"github.com/collectiverpc/collective/access"
)

// What the default policy lets anonymous callers do.
func ExampleGuard() {
	guard, err := access.New() // access.WithPolicyFile("policy.cedar") for policies of your own
	if err != nil {
		log.Fatal(err)
	}
	method := access.Resource{Namespace: "shop", Procedure: "/shop.v1.OrderService/CreateOrder"}

	near := access.NewCaller(access.Nobody, access.Origin{Network: access.NetworkLoopback})
	fmt.Println(guard.Decide(near, access.Call, method).Reason)

	far := access.NewCaller(access.Nobody, access.Origin{Network: access.NetworkRemote})
	fmt.Println(guard.Decide(far, access.Call, method).Reason)
	// Output:
	// Anonymous::"anonymous" may call shop /shop.v1.OrderService/CreateOrder: permitted by loopback-anonymous
	// Anonymous::"anonymous" may not call shop /shop.v1.OrderService/CreateOrder: no policy permits it
}

// A policy is checked before it is in force.
func ExampleCheckPolicies() {
	_, err := access.CheckPolicies("policy.cedar", []byte(`
@id("alice-orders")
permit (principal == User::"alice", action == Action::"cal", resource in Namespace::"shop");
`))
	fmt.Println(err)
	// Output:
	// policy refused: policy.cedar:3:47: policy alice-orders: unrecognized action `Action::"cal"` (actions are call, describe, force, observe, operate, register, serve)
}
