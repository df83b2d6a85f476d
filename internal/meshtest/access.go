package meshtest

import (
	"testing"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher"
)

// everything permits everybody everything. Nothing but a test may run with it.
const everything = `@id("everything") permit (principal, action, resource);`

// Permissive lets every caller do everything, for tests that are about something else: what a collector permits by itself
// is that anybody on loopback calls and describes, and no more.
func Permissive() dispatcher.Option {
	guard, _ := access.New(access.WithPolicies("everything", []byte(everything))) // it is right; without a guard little is permitted
	return dispatcher.WithAccess(guard)
}

// Policy decides by policies in Cedar.
func Policy(t testing.TB, cedar string, opts ...access.Option) dispatcher.Option {
	t.Helper()
	guard, err := access.New(append(opts, access.WithPolicies("policy.cedar", []byte(cedar)))...)
	if err != nil {
		t.Fatal(err)
	}
	return dispatcher.WithAccess(guard)
}
