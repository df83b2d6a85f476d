package inprocess

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/dispatcher/internal/codec"
)

// copyMessage makes into equal to msg. Generated and dynamic messages of one type may be mixed.
// It goes over bytes only if their descriptors are not the same one. What does not decode is an error of the receiver's.
func copyMessage(into, msg any) error {
	to, ok := into.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a proto.Message", into)
	}
	from, ok := msg.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a proto.Message", msg)
	}
	if to.ProtoReflect().Descriptor() == from.ProtoReflect().Descriptor() {
		proto.Reset(to)
		proto.Merge(to, from)
		return nil
	}
	data, err := proto.Marshal(from)
	if err != nil {
		return err
	}
	return proto.UnmarshalOptions{RecursionLimit: codec.MaxDepth}.Unmarshal(data, to)
}
