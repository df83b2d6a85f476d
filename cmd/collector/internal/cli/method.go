package cli

import (
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/name"
)

// splitMethod takes SERVICE/METHOD, with or without a slash before it, and SERVICE.METHOD.
func splitMethod(text string) (service, method string, err error) {
	spelled := strings.TrimPrefix(text, "/")
	if at := strings.LastIndexByte(spelled, '.'); at >= 0 && !strings.Contains(spelled, "/") {
		spelled = spelled[:at] + "/" + spelled[at+1:]
	}
	service, method, err = name.SplitProcedure("/" + spelled)
	if err != nil {
		return "", "", usagef("%q is no method: want SERVICE/METHOD, such as shop.v1.OrderService/CreateOrder", text).
			hint("collector services")
	}
	return service, method, nil
}

// codeOf reads a Connect code name; what is none is unknown.
func codeOf(text string) connect.Code {
	var code connect.Code
	if err := code.UnmarshalText([]byte(text)); err != nil {
		return connect.CodeUnknown
	}
	return code
}
