package localsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// LongestPath is what every system takes as the path of a unix socket: macOS takes 104 bytes with a zero at the end.
const LongestPath = 103

// suffix ends the name of a socket.
const suffix = ".sock"

// Getenv is [os.Getenv], or what a test puts in its place.
type Getenv func(name string) string

// places are the directories where a user's sockets are, the best first.
func places(env Getenv) []string {
	var dirs []string
	if run := env("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		dirs = append(dirs, filepath.Join(run, "collective"))
	}
	if home := env("HOME"); filepath.IsAbs(home) {
		dirs = append(dirs, filepath.Join(home, ".local", "state", "collective"))
	}
	return append(dirs, filepath.Join(os.TempDir(), "collective_"+strconv.Itoa(os.Geteuid())))
}

// fileName is that of the socket of a collector that listens at host:port.
func fileName(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if host == "" {
		host = "0.0.0.0"
	}
	name := host + "@" + port + suffix
	if name != filepath.Base(name) {
		return "", fmt.Errorf("the address %q cannot name a file", address)
	}
	return name, nil
}

// place returns the path for the socket of an address, in the first directory that can be used, which is made if it is not
// there. Why each of the others cannot is in the error.
func place(env Getenv, address string) (string, error) {
	name, err := fileName(address)
	if err != nil {
		return "", err
	}
	var problems []error
	for _, dir := range places(env) {
		path := filepath.Join(dir, name)
		err := checkLength(path)
		if err == nil {
			err = makeDirectory(dir)
		}
		if err == nil {
			return path, nil
		}
		problems = append(problems, err)
	}
	return "", errors.Join(problems...)
}

// checkLength refuses a path that would be cut off, or not taken, somewhere.
func checkLength(path string) error {
	if len(path) > LongestPath {
		return fmt.Errorf("%s: the path of a unix socket may have %d bytes, this one has %d", path, LongestPath, len(path))
	}
	return nil
}

// makeDirectory makes a directory for this user alone, or refuses one that is not.
func makeDirectory(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return checkDirectory(dir)
}

// checkDirectory refuses a directory that others may enter or that somebody else has put there.
func checkDirectory(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: the directory of the operators' sockets must be a directory; remove the link", dir)
	case !info.IsDir():
		return fmt.Errorf("%s is no directory", dir)
	case !ours(info):
		return fmt.Errorf("%s belongs to another user: whoever made it could take the operators' place; remove it as its owner", dir)
	case info.Mode().Perm() != 0o700:
		return fmt.Errorf("%s has the mode %#o: others may get in; chmod 0700 %s", dir, info.Mode().Perm(), dir)
	}
	return nil
}

// checkSocket refuses what is no socket of this user.
func checkSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is no socket", path)
	case !ours(info):
		return fmt.Errorf("%s belongs to another user", path)
	}
	return nil
}
