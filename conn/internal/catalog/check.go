package catalog

import (
	"crypto/sha256"
	"fmt"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
)

// Bounds of a set. A peer that exceeds them keeps the one it had.
const (
	MaxBytes   = 4 << 20
	MaxMethods = 100_000
	maxType    = 512
	MaxFiles   = 10_000
)

// checkMethod refuses what is not well formed.
func checkMethod(m *meshv1.CatalogMethod) error {
	if err := name.CheckNamespace(m.GetNamespace()); err != nil {
		return err
	}
	if _, _, err := name.SplitProcedure(m.GetProcedure()); err != nil {
		return err
	}
	if len(m.GetInputType()) > maxType || len(m.GetOutputType()) > maxType {
		return fmt.Errorf("%s: a type name is longer than %d bytes", m.GetProcedure(), maxType)
	}
	return nil
}

func checkSchema(s *meshv1.CatalogSchema) error {
	if err := name.CheckNamespace(s.GetNamespace()); err != nil {
		return err
	}
	if n := len(s.GetFileHashes()); n > MaxFiles {
		return fmt.Errorf("it has %d files, at most %d are taken", n, MaxFiles)
	}
	for _, hash := range s.GetFileHashes() {
		if len(hash) != sha256.Size {
			return fmt.Errorf("a file hash has %d bytes, want %d", len(hash), sha256.Size)
		}
	}
	return nil
}
