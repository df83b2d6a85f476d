package apikey

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/collectiverpc/collective/internal/wholefile"
)

// ErrUnknown is in the chain of an error for a key that the file does not have.
var ErrUnknown = errors.New("no such key")

// writableByAll is the bit of everybody else.
const writableByAll fs.FileMode = 0o002

// Read gives the records of a file, in its order. It refuses one that everybody may write: whoever does becomes anybody.
func Read(path string) ([]Record, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

func readFile(path string) ([]byte, error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode()&writableByAll != 0 {
		return nil, fmt.Errorf("everybody may write %s (%v): chmod 600 it, and look through its keys", path, info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(opened, maxFile+1))
}

// Add makes a key for a record, whose hash need not be set, and appends it to the file. The file is made if there is none. A
// name that has a key has two then. Concurrent changes of a file wait for each other.
func Add(path string, record Record) (Secret, error) {
	secret := NewSecret()
	record.Hash = secret.Hash()
	if err := record.Check(); err != nil {
		return Secret{}, err
	}
	return secret, change(path, func(text string) (string, error) {
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return text + record.String() + "\n", nil
	})
}

// Remove takes the keys of a name out of the file; with a fingerprint only the one that has it. It fails with [ErrUnknown] if
// there is none. It tells how many there were.
func Remove(path, name, fingerprint string) (removed int, err error) {
	return removed, change(path, func(text string) (string, error) {
		lines := slices.Collect(strings.Lines(text))
		kept := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
			record, err := parseLine(line)
			return err == nil && record.Name != "" && record.Name == name && (fingerprint == "" || record.Hash.Fingerprint() == fingerprint)
		})
		if removed = len(lines) - len(kept); removed == 0 {
			return "", fmt.Errorf("%w: %s %s is not in %s", ErrUnknown, name, fingerprint, path)
		}
		return strings.Join(kept, ""), nil
	})
}

// change replaces a file at once, so that a reader sees the old one or the new one, and never writes one that could not be
// read again. Where the path is a symbolic link, the file that it leads to is replaced.
func change(path string, edit func(text string) (string, error)) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	lock := flock.New(path + ".lock")
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	text, err := readFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	changed, err := edit(string(text))
	if err != nil {
		return err
	}
	if _, err := Parse([]byte(changed)); err != nil {
		return err
	}
	return replace(path, changed)
}

// replace leaves a file to those who could read it before: the collector may be another user than who adds a key.
func replace(path, text string) error {
	old, err := os.Stat(path)
	if err != nil {
		return wholefile.Replace(path, 0o600, []byte(text), nil)
	}
	return wholefile.Replace(path, old.Mode().Perm(), []byte(text), func(draft *os.File) error { return inherit(draft, old) })
}
