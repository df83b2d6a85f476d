package access_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/access"
)

// who are the callers of the matrices, by a name that the expectations have.
func who(t testing.TB) map[string]*access.Caller {
	t.Helper()
	alice := principal(t, access.KindUser, "alice", "developers")
	bob := principal(t, access.KindUser, "bob")
	payments := principal(t, access.KindService, "payments", "backends")
	orders := principal(t, access.KindCollector, "orders-1")
	stock := principal(t, access.KindCollector, "stock-1")
	root := principal(t, access.KindUser, "uid:root", access.GroupOperators)
	from := func(p *access.Principal, network, via string) *access.Caller {
		return access.NewCaller(p, access.Origin{Network: network, Entrance: "native", Via: via})
	}
	return map[string]*access.Caller{
		"nobody near":             from(access.Nobody, access.NetworkLoopback, ""),
		"nobody near a peer":      from(access.Nobody, access.NetworkLoopback, "orders-1"),
		"nobody far":              from(access.Nobody, access.NetworkRemote, ""),
		"nobody far from a peer":  from(access.Nobody, access.NetworkRemote, "orders-1"),
		"nobody on a socket":      from(access.Nobody, access.NetworkSocket, ""),
		"alice":                   from(alice, access.NetworkRemote, ""),
		"alice near":              from(alice, access.NetworkLoopback, ""),
		"alice by a peer":         from(alice, access.NetworkRemote, "orders-1"),
		"bob":                     from(bob, access.NetworkRemote, ""),
		"payments":                from(payments, access.NetworkRemote, ""),
		"payments by a peer":      from(payments, access.NetworkRemote, "orders-1"),
		"orders-1":                from(orders, access.NetworkRemote, ""),
		"stock-1":                 from(stock, access.NetworkRemote, ""),
		"operator on the socket":  from(root, access.NetworkSocket, ""),
		"operator far":            from(root, access.NetworkRemote, ""),
		"operator by a peer":      from(root, access.NetworkSocket, "orders-1"),
		"this process":            from(access.Nobody, access.NetworkProcess, ""),
		"the process of a peer":   from(access.Nobody, access.NetworkProcess, "orders-1"),
		"a caller of no mesh":     from(nil, "moon", ""),
		"a collector by a peer":   from(stock, access.NetworkProcess, "orders-1"),
		"the collector's process": from(orders, access.NetworkProcess, ""),
	}
}

// what are the resources, by a name that the expectations have.
var what = map[string]access.Resource{
	"create":  {Namespace: "shop", Procedure: "/shop.v1.OrderService/CreateOrder"},
	"list":    {Namespace: "shop", Procedure: "/shop.v1.OrderService/ListOrders"},
	"staged":  {Namespace: "staging", Procedure: "/shop.v1.OrderService/CreateOrder"},
	"orders":  {Namespace: "shop", Procedure: "/shop.v1.OrderService"},
	"users":   {Namespace: "users", Procedure: "/users.v1.UserService/GetUser"},
	"nowhere": {Procedure: "/users.v1.UserService/GetUser"},
	"shop":    {Namespace: "shop"},
	"mesh":    {},
}

const everything = "call describe observe serve register force operate"

// The default policy does not look at the resource: each caller may do these, and nothing else, to every resource.
func TestMatrix_DefaultPolicy(t *testing.T) {
	t.Parallel()
	allowed := map[string]string{
		"nobody near":             "call describe",
		"nobody near a peer":      "call describe",
		"nobody far":              "",
		"nobody far from a peer":  "",
		"nobody on a socket":      "",
		"alice":                   "call describe",
		"alice near":              "call describe",
		"alice by a peer":         "call describe",
		"bob":                     "call describe",
		"payments":                "call describe",
		"payments by a peer":      "call describe",
		"orders-1":                "call describe serve",
		"stock-1":                 "call describe serve",
		"operator on the socket":  everything,
		"operator far":            everything,
		"operator by a peer":      "call describe",
		"this process":            everything,
		"the process of a peer":   "call describe",
		"a caller of no mesh":     "",
		"a collector by a peer":   "call describe serve",
		"the collector's process": everything,
	}
	matrix(t, guard(t), func(caller, action, _ string) bool { return has(allowed[caller], action) }, allowed)
}

func TestMatrix_AnonymousAllowed(t *testing.T) {
	t.Parallel()
	g := guard(t, access.WithAnonymous())
	allowed := map[string]string{
		"nobody far": "call describe", "nobody far from a peer": "call describe", "nobody on a socket": "call describe",
		"a caller of no mesh": "call describe",
	}
	for caller, c := range who(t) {
		if c.Kind != access.KindAnonymous || c.Network == access.NetworkProcess || c.Network == access.NetworkLoopback {
			continue
		}
		for _, a := range access.Actions() {
			if got := g.Decide(c, a, what["create"]); got.Allowed != has(allowed[caller], a.String()) {
				t.Errorf("%s %s: %+v", caller, a, got)
			}
		}
	}
}

// A file takes the place of the default policy: what it does not permit is denied, but for what always holds.
const teams = `
@id("developers-read")
permit (principal in Group::"developers", action in [Action::"call", Action::"describe"], resource == Method::"shop.v1.OrderService/ListOrders");

@id("backends-staging")
permit (principal is Service in Group::"backends", action == Action::"call", resource in RPCService::"shop.v1.OrderService")
when { resource in Namespace::"staging" && context.via == "" };

@id("orders-serves-shop")
permit (principal == Collector::"orders-1", action == Action::"serve", resource in Namespace::"shop");

@id("bob-watches")
permit (principal == User::"bob", action == Action::"observe", resource == Mesh::"mesh");

@id("bob-registers")
permit (principal == User::"bob", action in [Action::"register", Action::"force"], resource)
when { resource.service like "shop.*" };

@id("nobody-forces")
forbid (principal, action == Action::"force", resource == Method::"shop.v1.OrderService/ListOrders");

@id("no-operators-in-users")
forbid (principal in Group::"operators", action == Action::"call", resource in Namespace::"users");
`

func TestMatrix_PolicyFile(t *testing.T) {
	t.Parallel()
	list := map[string]bool{"list": true}
	shop := map[string]bool{"create": true, "list": true, "orders": true, "shop": true}
	anyButList := map[string]bool{"create": true, "staged": true, "orders": true, "users": true, "nowhere": true, "shop": true, "mesh": true}
	anyButUsers := map[string]bool{"create": true, "list": true, "staged": true, "orders": true, "nowhere": true, "shop": true, "mesh": true}
	any := map[string]bool{"create": true, "list": true, "staged": true, "orders": true, "users": true, "nowhere": true, "shop": true, "mesh": true}
	all := map[string]map[string]bool{"describe": any, "observe": any, "serve": any, "register": any, "operate": any, "call": any, "force": anyButList}
	operator := maps.Clone(all)
	operator["call"] = anyButUsers
	allowed := map[string]map[string]map[string]bool{ // caller, action, resource
		"alice":                   {"call": list, "describe": list},
		"alice near":              {"call": list, "describe": list},
		"alice by a peer":         {"call": list, "describe": list},
		"payments":                {"call": {"staged": true}},
		"orders-1":                {"serve": shop},
		"bob":                     {"observe": {"mesh": true}, "register": {"create": true, "list": true, "staged": true, "orders": true}, "force": {"create": true, "staged": true, "orders": true}},
		"operator on the socket":  operator,
		"this process":            all,
		"the collector's process": all,
		"the process of a peer":   {"call": any, "describe": any},
		"a collector by a peer":   {"call": any, "describe": any},
	}
	g := guard(t, access.WithPolicies("teams.cedar", []byte(teams)))
	matrix(t, g, func(caller, action, resource string) bool { return allowed[caller][action][resource] }, nil)
}

// matrix asks for every caller, action and resource, and compares with what is expected. Where all callers are expected to be
// named, those are the keys of named.
func matrix(t *testing.T, g *access.Guard, want func(caller, action, resource string) bool, named map[string]string) {
	t.Helper()
	callers, asked := who(t), 0
	if named != nil && !slices.Equal(slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(callers))) {
		t.Fatal("the expectations do not name every caller")
	}
	for _, caller := range slices.Sorted(maps.Keys(callers)) {
		for _, action := range access.Actions() {
			for resource, r := range what {
				asked++
				for _, turn := range []string{"first", "remembered"} {
					d := g.Decide(callers[caller], action, r)
					if d.Allowed != want(caller, action.String(), resource) || d.Reason == "" || len(d.Errors) > 0 || d.Allowed && len(d.Policies) == 0 {
						t.Errorf("%s %s %s (%s): %+v, want allowed %v", caller, action, resource, turn, d, want(caller, action.String(), resource))
					}
				}
			}
		}
	}
	t.Logf("%d questions", asked)
}

func has(actions, action string) bool { return slices.Contains(strings.Fields(actions), action) }

func guard(t testing.TB, opts ...access.Option) *access.Guard {
	t.Helper()
	g, err := access.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}
