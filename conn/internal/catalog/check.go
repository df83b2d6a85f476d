package catalog

import (
	"crypto/sha256"
	"fmt"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
)

// Bounds of a set. A peer that exceeds them keeps the one it had.
// MaxBytes is of all that is encoded, of an announcement or a whole set, and maxType is in bytes too; MaxFiles is of one namespace.
// Both ends keep to them: a set that a peer would refuse is not made here either.
const (
	MaxBytes   = 4 << 20
	MaxMethods = 100_000
	maxType    = 512
	MaxFiles   = 10_000
)

// checkMethod refuses what is not well formed.
// It is asked of one that is removed too: names that cannot be are a fault of the sender, whatever it says of them.
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

// checkSchema refuses hashes that can be no SHA-256, so that whoever pulls files by them can rely on their length. The files themselves
// are not known here.
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
