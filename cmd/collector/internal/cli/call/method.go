package call

import (
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/internal/name"
)

// Method is a method as the user names it: the service by its full name or the end of it.
type Method struct{ Service, Name string }

// ParseMethod takes SERVICE/METHOD, with or without a slash before it, and SERVICE.METHOD.
func ParseMethod(text string) (Method, error) {
	spelled := strings.TrimPrefix(text, "/")
	if at := strings.LastIndexByte(spelled, '.'); at >= 0 && !strings.Contains(spelled, "/") {
		spelled = spelled[:at] + "/" + spelled[at+1:]
	}
	service, method, err := name.SplitProcedure("/" + spelled)
	if err != nil {
		return Method{}, failure.Usagef("%q is no method: want SERVICE/METHOD, such as shop.v1.OrderService/CreateOrder", text).
			Hint("collector services")
	}
	return Method{service, method}, nil
}
