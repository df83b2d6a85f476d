package host

import (
	_ "embed"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// encodedSources are the .proto files with their comments, which generated code leaves out. `make generate` writes it.
//
//go:embed sources.binpb
var encodedSources []byte

func sources() (*descriptorpb.FileDescriptorSet, error) {
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(encodedSources, set); err != nil {
		return nil, fmt.Errorf("sources.binpb: %w", err)
	}
	return set, nil
}
