package registry

import "context"

// ValidateServiceMethod says whether a method may be called: nil, or a Connect error that says what there is instead.
// The service may be named in full or, where that is unambiguous, by its short name. It is a pure read of what is
// registered at this moment and allocates nothing unless it refuses.
func (r *Registry) ValidateServiceMethod(_ context.Context, namespace, serviceName, methodName string) error {
	_, err := r.view.Load().call(namespace, serviceName, methodName)
	return err
}

// ValidateInput is ValidateServiceMethod for a call with a message of that type, given by its full name.
func (r *Registry) ValidateInput(ctx context.Context, namespace, serviceName, methodName, messageType string) error {
	return r.ValidateCall(ctx, namespace, serviceName, methodName, messageType)
}

// ValidateCall says whether a method may be called, and with a message of that type, given by its full name: it is
// ValidateServiceMethod and ValidateInput in one look-up. It allocates nothing unless it refuses.
func (r *Registry) ValidateCall(_ context.Context, namespace, serviceName, methodName, messageType string) error {
	c, err := r.view.Load().call(namespace, serviceName, methodName)
	if err != nil {
		return err
	}
	return c.checkInput(messageType)
}

// anyType is the input of methods that take whatever they are sent; what is in it, nobody but the handler can judge.
const anyType = "google.protobuf.Any"

// checkInput says what is wrong with a message for the call; nil if nothing is.
func (c call) checkInput(messageType string) error {
	if messageType == c.input {
		return nil
	}
	return checkInput(c.service.name, c.name, c.input, messageType)
}

// checkInput compares full names of messages; service and method are for the text.
func checkInput(service, method, want, messageType string) error {
	if messageType == want || want == anyType {
		return nil
	}
	return wrongInput("%s.%s takes %s, not %.200q", service, method, want, messageType)
}
