package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/collectiverpc/collective/internal/wholefile"
)

const pemType = "PRIVATE KEY" // PKCS #8, which openssl reads

// Make makes a key.
func Make() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// Own reads the key in the file at path, or makes one and writes it there, for this user only. A file that others can read,
// or that holds no such key, is refused: a collector that took another key would be refused by all who know it.
func Own(path string) (ed25519.PrivateKey, error) {
	key, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	made, err := Make()
	if err != nil {
		return nil, err
	}
	switch err := write(path, made); {
	case errors.Is(err, fs.ErrExist): // another process was faster
		return read(path)
	case err != nil:
		return nil, fmt.Errorf("write this collector's key to %s: %w", path, err)
	}
	return made, nil
}

func read(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key of this collector in %s can be read by others (mode %04o): take it as stolen, or chmod 600 %s",
			path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the key of this collector in %s cannot be used (%w): restore the file, or remove it for a new key, "+
			"which peers refuse until they are told collector trust forget ID", path, err)
	}
	return key, nil
}

func parse(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, errors.New("it is no PEM " + pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is damaged") // what x509 says may quote it
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T, not Ed25519", parsed)
	}
	return key, nil
}

// write puts a whole key at path or none, and never in place of another.
func write(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := wholefile.Create(path, 0o600, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})); err != nil {
		return err
	}
	return wholefile.SyncDir(filepath.Dir(path))
}
