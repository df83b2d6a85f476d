package host

import (
	_ "embed"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// sources are the contracts with their comments, which generated code leaves out: `make generate` writes them.
//
//go:embed sources.binpb
var sources []byte

func sourceFiles() (*descriptorpb.FileDescriptorSet, error) {
	files := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(sources, files); err != nil {
		return nil, fmt.Errorf("the embedded contracts: %w", err)
	}
	return files, nil
}
