//go:build linux

package network

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// confinedVariable tells a process that it was started by [Confine].
const confinedVariable = "CHAOS_CONFINED"

// Confine runs this program once more in a user namespace of its own, where whoever runs it may make network namespaces, and
// answers its exit status. It does so only if it has to, and false if it cannot or has done it: the program goes on itself then.
func Confine() (status int, done bool) {
	if os.Getenv(confinedVariable) != "" || capable() {
		return 0, false
	}
	own, err := os.Executable()
	if err != nil {
		return 0, false
	}
	mapped := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	attributes := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET, UidMappings: mapped(os.Getuid()), GidMappings: mapped(os.Getgid())}
	probe := exec.Command(own)
	probe.Env, probe.SysProcAttr = append(os.Environ(), confinedVariable+"=probe"), attributes
	if probe.Run() != nil {
		return 0, false
	}
	again := exec.Command(own, os.Args[1:]...)
	again.Env, again.SysProcAttr = append(os.Environ(), confinedVariable+"=yes"), attributes
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	_ = again.Run() // its status says it
	return again.ProcessState.ExitCode(), true
}

// Probing tells whether this process is the one that finds out whether it can be confined, and its exit status if it is.
func Probing() (status int, is bool) {
	if os.Getenv(confinedVariable) != "probe" {
		return 0, false
	}
	if !capable() {
		return 1, true
	}
	return 0, true
}

// capable tries.
func capable() bool {
	n, err := newNamespaces()
	if err != nil {
		return false
	}
	n.Close()
	return true
}
