package main

import (
	"log/slog"
	"path/filepath"

	"github.com/collectiverpc/collective/conn"
)

// secret is the mesh secret that all collectors here share, and the file it is in.
type secret struct {
	file  string
	known func() [][]byte
}

func newSecret(dir string) (secret, error) {
	s := secret{file: filepath.Join(dir, "mesh.secret")}
	err := conn.NewMeshSecretFile(s.file)
	if err == nil {
		s.known, err = conn.MeshSecretFile(s.file, slog.New(slog.DiscardHandler))
	}
	return s, err
}

func (s secret) option() conn.Option { return conn.WithMeshSecret(s.known) }
