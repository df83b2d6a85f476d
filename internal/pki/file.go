package pki

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/collectiverpc/collective/internal/wholefile"
)

// The types of PEM blocks.
const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY" // PKCS #8
)

// writePair writes a key and its certificate. Neither is written where one of them is already, unless replace is given;
// then each changes from whole to whole, the key first.
func writePair(keyPath, certificatePath string, key *ecdsa.PrivateKey, der []byte, replace bool) error {
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if !replace {
		for _, path := range []string{keyPath, certificatePath} {
			if _, err := os.Lstat(path); err == nil {
				return &fs.PathError{Op: "write", Path: path, Err: fs.ErrExist}
			}
		}
	}
	if err := writeBlock(keyPath, keyBlock, encoded, 0o600, replace); err != nil {
		return err
	}
	return writeBlock(certificatePath, certificateBlock, der, 0o644, replace)
}

// writeBlock writes a file whole or not at all. Its directory is for its owner only, if it has to be made.
func writeBlock(path, kind string, der []byte, mode fs.FileMode, replace bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if replace {
		return wholefile.Replace(path, mode, data, nil)
	}
	return wholefile.Create(path, mode, data) // fails where there is one
}

func readCertificate(path string) (*x509.Certificate, error) {
	der, err := readBlock(path, certificateBlock)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certificate, nil
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	der, err := readBlock(path, keyBlock)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s: want an ECDSA key, as `collector pki init` makes it", path) // without err: it may show the key
	}
	return key, nil
}

// readBlock is the first PEM block of a file.
func readBlock(path, kind string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s: want a PEM file that begins with a block %q", path, kind)
	}
	return block.Bytes, nil
}

// host is a DNS name, a wildcard included.
var host = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$`)

func isHost(s string) bool { return len(s) <= 253 && host.MatchString(s) }
