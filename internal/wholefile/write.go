package wholefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace writes a file with a mode in place of what is at its path, if anything is. prepare is called with the draft before
// it takes the name, such as to give it to somebody; nil for nothing. The directory must be there.
func Replace(path string, mode fs.FileMode, data []byte, prepare func(draft *os.File) error) error {
	draft, err := write(path, mode, data, prepare)
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(draft, path), remove(draft))
}

// Create writes a file with a mode, and never in place of another: then the error is [fs.ErrExist].
func Create(path string, mode fs.FileMode, data []byte) error {
	draft, err := write(path, mode, data, nil)
	if err != nil {
		return err
	}
	return errors.Join(os.Link(draft, path), remove(draft))
}

// write makes the draft, which nobody but its owner can read until it has its mode. On an error there is none.
func write(path string, mode fs.FileMode, data []byte, prepare func(*os.File) error) (name string, err error) {
	draft, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return "", err
	}
	_, err = draft.Write(data)
	err = errors.Join(err, draft.Chmod(mode))
	if prepare != nil && err == nil {
		err = prepare(draft)
	}
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return "", errors.Join(err, remove(draft.Name()))
	}
	return draft.Name(), nil
}

// remove leaves a draft that has become the file alone: it is not there any more.
func remove(draft string) error {
	if err := os.Remove(draft); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir makes sure that the names in a directory outlive a crash.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
