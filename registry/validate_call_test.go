package registry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher"
	"github.com/collectiverpc/collective/registry"
)

// What a dispatcher looks for in a validator, the registries have: a method that is renamed would be questioned no more, and
// nothing else would say so.
var (
	_ interface {
		dispatcher.RegistryValidator
		dispatcher.InputValidator
		dispatcher.CallValidator
		dispatcher.ServiceListener
		dispatcher.HandlerRegisterer
		dispatcher.LimitTeller
	} = (*registry.Registry)(nil)
	_ interface {
		dispatcher.RegistryValidator
		dispatcher.InputValidator
		dispatcher.CallValidator
	} = (*registry.RemoteValidator)(nil)
)

type questioned interface {
	dispatcher.RegistryValidator
	dispatcher.InputValidator
	dispatcher.CallValidator
}

// One question about a call is answered as the two are, one after the other.
func TestValidateCallSaysWhatTheTwoQuestionsSay(t *testing.T) {
	t.Parallel()
	local := twoNames(t)
	registerService(t, local, "any", protoFile("any", "any",
		imports("google/protobuf/any.proto"), service("S", "google.protobuf.Any", "M")))
	away := func(opts ...registry.RemoteOption) questioned {
		fake := newFake(t)
		fake.failWith(errors.New("down"))
		return registry.NewGRPCRegistryValidator(fake, opts...)
	}
	validators := map[string]questioned{
		"local":          local,
		"remote":         registry.NewGRPCRegistryValidator(&fakeRegistry{registry: local}),
		"away":           away(),
		"away, may pass": away(registry.WithFailOpen()),
	}
	over, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	t.Cleanup(cancel)
	for name, v := range validators {
		for _, ctx := range []context.Context{t.Context(), over} {
			compareQuestions(t, ctx, name, v)
		}
	}
}

func compareQuestions(t *testing.T, ctx context.Context, name string, v questioned) {
	t.Helper()
	refused := make(map[connect.Code]int)
	for _, namespace := range []string{"one", "both", "any", "two", "N", ""} {
		for _, service := range []string{"users.UserService", "admin.UserService", "UserService", "any.S", "S", "Other", ".users.UserService", ""} {
			for _, method := range []string{"GetUser", "Ban", "M", "Nope", ""} {
				for _, input := range []string{"users.User", "admin.User", "google.protobuf.Any", "User", ""} {
					want := v.ValidateServiceMethod(ctx, namespace, service, method)
					if want == nil {
						want = v.ValidateInput(ctx, namespace, service, method, input)
					}
					got := v.ValidateCall(ctx, namespace, service, method, input)
					same(t, got, want)
					if kindOf(got) != kindOf(want) {
						t.Errorf("%s: %q %q %q %q: ValidateCall is of another kind: %v, want %v", name, namespace, service, method, input, got, want)
					}
					refused[connect.CodeOf(want)]++
				}
			}
		}
	}
	if name == "local" && (refused[connect.CodeNotFound] == 0 || refused[connect.CodeInvalidArgument] == 0 || refused[connect.CodeFailedPrecondition] == 0) {
		t.Errorf("not every refusal was met: %v", refused)
	}
}

// kindOf is which of the errors of the package, or of the context, is in the chain; nil for none.
func kindOf(err error) error {
	for _, kind := range []error{registry.ErrNotRegistered, registry.ErrAmbiguous, registry.ErrWrongInput, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}
