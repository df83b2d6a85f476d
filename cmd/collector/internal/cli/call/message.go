package call

import (
	"encoding/json"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/cmd/collector/internal/cli/schema"
)

// Message makes the message of a unary call from its one JSON value.
func (c *Call) Message(data []byte) (proto.Message, error) {
	value, err := c.oneValue(data)
	if err != nil {
		return nil, err
	}
	if c.descriptor == nil {
		return c.Schema.Untyped(value)
	}
	return c.Schema.Parse(value, c.descriptor.Input())
}

func (c *Call) oneValue(data []byte) (json.RawMessage, error) {
	values, err := schema.SplitJSON(data)
	if err != nil {
		return nil, err
	}
	if len(values) != 1 {
		return nil, failure.Usagef("%s/%s takes one message, -d has %d", c.Service, c.Name, len(values))
	}
	return values[0], nil
}

// Messages makes the messages of a streaming call, one of each JSON value.
func (c *Call) Messages(data []byte) ([]proto.Message, error) {
	if !c.descriptor.IsStreamingClient() {
		message, err := c.Message(data)
		return []proto.Message{message}, err
	}
	values, err := schema.SplitJSON(data)
	if err != nil {
		return nil, err
	}
	messages := make([]proto.Message, len(values))
	for i, value := range values {
		if messages[i], err = c.Schema.Parse(value, c.descriptor.Input()); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// Example is a request with every field set, as JSON.
func (c *Call) Example() (json.RawMessage, error) {
	if c.descriptor == nil {
		return nil, failure.Usagef("%s/%s takes any message, so there is no example of one", c.Service, c.Name).
			Hint(`-d '"text"' sends a StringValue, -d '{"@type":…}' any message`)
	}
	return c.Schema.JSON(schema.Example(c.descriptor.Input()), true)
}
