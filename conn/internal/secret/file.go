package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/collectiverpc/collective/internal/wholefile"
)

const (
	// MinBytes is the fewest bytes of a secret.
	MinBytes = 32
	// Most is how many secrets are in force at once.
	Most = 4

	// maxFile bounds what is read in bytes: somebody may give the name of another file.
	maxFile = 64 << 10
)

// File is a file of secrets that is read again when it changes. It is safe for concurrent use.
type File struct {
	path string
	warn func(error)

	mu      sync.Mutex
	last    fs.FileInfo
	trouble error // why what is in the file now is not in force; nil if it is
	secrets [][]byte
}

// Open reads the file at path, which only its owner and its group may be able to read. warn hears of it, later on, that the
// file cannot be used any more, once for each reason: then the secrets of before stay in force. It hears nil when it can be again.
func Open(path string, warn func(error)) (*File, error) {
	f := &File{path: path, warn: warn}
	return f, f.read()
}

// Secrets returns those that are in force, the first of which is the newest. They are shared: do not modify them. It looks at
// the file each time, which costs a system call, so that a rotation needs nobody to be told; a link is made seldom.
func (f *File) Secrets() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lookLocked()
	return f.secrets
}

// Trouble is why what is in the file now is not in force; nil if it is. It looks at the file too.
func (f *File) Trouble() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lookLocked()
	return f.trouble
}

// lookLocked reads the file if it is not as it was.
func (f *File) lookLocked() {
	if info, err := os.Stat(f.path); err == nil && same(info, f.last) {
		return
	}
	before := f.trouble
	f.trouble = f.readLocked()
	if f.trouble == nil && before == nil || f.trouble != nil && before != nil && f.trouble.Error() == before.Error() {
		return
	}
	f.warn(f.trouble)
}

// same reports whether a file was not replaced or written meanwhile, as far as its directory entry tells.
func same(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// read reads the file for the first time.
func (f *File) read() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.readLocked()
}

// readLocked reads the file.
func (f *File) readLocked() error {
	info, err := os.Stat(f.path)
	if f.last = info; err != nil {
		return fmt.Errorf("the mesh secret cannot be read: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("the mesh secret in %s can be read by everybody (mode %04o): chmod 600 %s, and rotate it", f.path, info.Mode().Perm(), f.path)
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%s is no file of mesh secrets: it has %d bytes", f.path, info.Size())
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("the mesh secret cannot be read: %w", err)
	}
	secrets, err := Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.secrets = secrets
	return nil
}

// Parse reads what is in a file, in the order in which it is there. Its errors name lines and quote nothing: what is no
// secret by its form may be one by intention.
func Parse(text []byte) ([][]byte, error) {
	var secrets [][]byte
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		decoded, err := decode(string(line))
		if err == nil {
			err = Check(decoded)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d is no mesh secret: %w; make one with collector trust new-secret", i+1, err)
		}
		secrets = append(secrets, decoded)
	}
	switch {
	case len(secrets) == 0:
		return nil, errors.New("there is no mesh secret in it: make one with collector trust new-secret")
	case len(secrets) > Most:
		return nil, fmt.Errorf("there are %d mesh secrets in it, at most %d can be in force: remove the last ones", len(secrets), Most)
	}
	return secrets, nil
}

// Check refuses a secret that could be guessed: one that is short, or of a few bytes again and again.
func Check(secret []byte) error {
	if len(secret) < MinBytes {
		return fmt.Errorf("it has %d bytes, and at least %d random ones are wanted", len(secret), MinBytes)
	}
	seen := make(map[byte]struct{})
	for _, b := range secret {
		seen[b] = struct{}{}
	}
	if len(seen) < MinBytes/3 {
		return errors.New("it is not random")
	}
	return nil
}

// decode takes base64 in both alphabets, padded or not: people make secrets with openssl, head and password managers.
func decode(line string) ([]byte, error) {
	line = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(line, "="))
	decoded, err := base64.RawStdEncoding.DecodeString(line)
	if err != nil {
		return nil, errors.New("it is not base64") // what base64 says may quote it
	}
	return decoded, nil
}

// Create makes a file with a new secret that only its owner can read, and refuses if there is one: a secret that is in force
// must not be lost by a slip.
func Create(path string, now time.Time) error {
	line, err := newLine(now)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("there is a file %s already: collector trust rotate-secret puts a new secret into it", path)
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(line)
	return errors.Join(err, file.Sync(), file.Close())
}

// Rotate puts a new secret first and keeps the one that was, second. All others go: who has none but those is refused.
func Rotate(path string, now time.Time) error {
	f, err := Open(path, nil)
	if err != nil {
		return err
	}
	line, err := newLine(now)
	if err != nil {
		return err
	}
	former := "# before\n" + base64.StdEncoding.EncodeToString(f.secrets[0]) + "\n"
	return wholefile.Replace(path, f.last.Mode().Perm(), []byte(line+former), nil)
}

// newLine makes a secret and says when, in the form of the file.
func newLine(now time.Time) (string, error) {
	secret := make([]byte, MinBytes)
	if _, err := rand.Read(secret); err != nil {
		return "", err
	}
	return "# made " + now.UTC().Format(time.RFC3339) + "\n" + base64.StdEncoding.EncodeToString(secret) + "\n", nil
}
