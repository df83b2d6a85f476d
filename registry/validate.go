package registry

import (
	"context"
	"errors"
	"maps"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/name"
)

// Why a call is refused; in the chain of the Connect errors of the validators.
var (
	ErrNotRegistered = errors.New("not registered")
	ErrAmbiguous     = errors.New("ambiguous service name")
	ErrWrongInput    = errors.New("wrong input type")
)

// ValidateServiceMethod says whether a method may be called: nil, or a Connect error that says what there is instead.
// The service may be named in full or, where that is unambiguous, by its short name. It is a pure read of what is
// registered at this moment and allocates nothing unless it refuses.
func (r *Registry) ValidateServiceMethod(_ context.Context, namespace, serviceName, methodName string) error {
	_, err := r.view.Load().call(namespace, serviceName, methodName)
	return err
}

// ValidateInput is ValidateServiceMethod for a call with a message of that type, given by its full name.
func (r *Registry) ValidateInput(_ context.Context, namespace, serviceName, methodName, messageType string) error {
	c, err := r.view.Load().call(namespace, serviceName, methodName)
	if err != nil {
		return err
	}
	return c.checkInput(messageType)
}

// anyType is the input of methods that take whatever they are sent.
const anyType = "google.protobuf.Any"

func (c call) checkInput(messageType string) error {
	if messageType == c.input {
		return nil
	}
	return checkInput(c.service.name, c.name, c.input, messageType)
}

func checkInput(service, method, want, messageType string) error {
	if messageType == want || want == anyType {
		return nil
	}
	return wrongInput("%s.%s takes %s, not %.200q", service, method, want, messageType)
}

// view is everything the registry holds at one moment. It is immutable.
type view struct {
	revision uint64
	spaces   map[string]*space // by namespace; none is empty
}

func (v *view) call(namespace, serviceName, methodName string) (call, error) {
	n, ok := v.spaces[namespace]
	if !ok {
		return call{}, v.unknownNamespace(namespace)
	}
	if c, ok := n.calls.get(key{serviceName, methodName}); ok {
		return c, nil
	}
	s, err := n.lookup(serviceName)
	if err != nil {
		return call{}, err
	}
	return call{}, notFound("service %s in namespace %q has no method %.200q: it has %s",
		s.name, namespace, methodName, some(s.methodNames()))
}

func (v *view) unknownNamespace(namespace string) error {
	if err := name.CheckNamespace(namespace); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err.Error()).WithCause(err)
	}
	return notFound("nothing is registered in namespace %q: there is %s", namespace, some(v.namespaceNames()))
}

func (v *view) namespaceNames() []string { return slices.Sorted(maps.Keys(v.spaces)) }

func notFound(format string, args ...any) error {
	return connect.Errorf(connect.CodeNotFound, format, args...).WithCause(ErrNotRegistered)
}

func ambiguous(format string, args ...any) error {
	return connect.Errorf(connect.CodeFailedPrecondition, format, args...).WithCause(ErrAmbiguous)
}

func wrongInput(format string, args ...any) error {
	return connect.Errorf(connect.CodeInvalidArgument, format, args...).WithCause(ErrWrongInput)
}
