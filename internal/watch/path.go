package watch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// digest stands for the contents of all files of a watcher.
type digest [sha256.Size]byte

// readAtMost bounds what is read of a file to tell its contents from others; of a larger one the size and time count too.
const readAtMost = 16 << 20

// contents reads files. Two sets of files that differ have digests that differ.
func contents(paths []string) digest {
	sum := sha256.New()
	for _, path := range paths {
		one := content(path)
		sum.Write(one[:])
	}
	return digest(sum.Sum(nil))
}

func content(path string) digest {
	file, err := os.Open(path)
	if err != nil {
		return sha256.Sum256([]byte(reason(err)))
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if info, err := file.Stat(); err == nil && info.Size() > readAtMost {
		fmt.Fprintln(sum, info.Size(), info.ModTime())
	}
	if _, err := io.Copy(sum, io.LimitReader(file, readAtMost)); err != nil {
		return sha256.Sum256([]byte(reason(err)))
	}
	return digest(sum.Sum(nil))
}

// reason is why a file cannot be read, without its path, which may lead through what changes.
func reason(err error) string {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return "unreadable: " + err.Error()
}

// maxLinks is how many symlinks are followed on the way to a file, as Linux does.
const maxLinks = 40

// directories are those in which a change may change what is at path: each that holds a symlink on the way, and the one of
// the file itself. What is missing is waited for in the nearest directory above it that exists.
func directories(path string) (dirs []string) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	at, rest := root(absolute)
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		info, err := os.Lstat(next)
		if err != nil {
			return append(dirs, at)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			if len(rest) == 1 {
				return append(dirs, at)
			}
			at, rest = next, rest[1:]
			continue
		}
		dirs = append(dirs, at)
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return dirs
		}
		if !filepath.IsAbs(target) {
			target = at + string(filepath.Separator) + target // not cleaned: .. is that of where links lead
		}
		above, way := root(target)
		at, rest = above, append(way, rest[1:]...)
	}
	return append(dirs, at)
}

// root splits a path into where it begins and the names that follow.
func root(path string) (string, []string) {
	volume := filepath.VolumeName(path)
	names := strings.FieldsFunc(path[len(volume):], func(r rune) bool { return os.IsPathSeparator(uint8(r)) })
	return volume + string(filepath.Separator), names
}
